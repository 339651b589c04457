// The control API of this project, as the page may ask it.

const csrf = document.querySelector("meta[name=rpx-csrf]").content;

export class Refused extends Error {
  constructor(error, status) {
    super(error.what);
    this.hint = error.hint;
    this.status = status;
  }
}

async function answered(path, options = {}) {
  const headers = { "x-rpx-csrf": csrf, ...options.headers };
  const answer = await fetch("/api" + path, { ...options, headers });
  if (answer.ok) return answer;
  let error = { what: `${answer.status} ${answer.statusText}`, hint: "" };
  try {
    error = (await answer.json()).error;
  } catch { /* no JSON: the status says it */ }
  throw new Refused(error, answer.status);
}

export const get = async (path, signal) => (await answered(path, { signal })).json();

export const textOf = async (path) => (await answered(path)).text();

export const post = async (path, body) => (await answered(path, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body),
})).json();

async function* pieces(path, signal, end) {
  const reader = (await answered(path, { signal })).body
    .pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split(end);
    rest = parts.pop();
    yield parts;
  }
}

// Objects of NDJSON, in the batches in which they come.
export async function* batches(path, signal) {
  for await (const lines of pieces(path, signal, "\n")) {
    const batch = lines.filter(Boolean).map((line) => JSON.parse(line));
    if (batch.length) yield batch;
  }
}

// Server-sent events as [name, data, id].
export async function* events(path, signal) {
  for await (const found of pieces(path, signal, "\n\n")) {
    for (const event of found) {
      const name = /^event: (.*)$/m.exec(event);
      const data = /^data: (.*)$/m.exec(event);
      const id = /^id: (.*)$/m.exec(event);
      if (name && data) yield [name[1], JSON.parse(data[1]), id?.[1]];
    }
  }
}

// Do `work(signal)` again and again while the page is shown; a hidden tab asks for nothing.
export function whileShown(work, told = () => {}) {
  let stop = null;
  let ended = false;
  const begin = async () => {
    stop = new AbortController();
    const mine = stop;
    for (let wait = 500; !mine.signal.aborted; wait = Math.min(wait * 2, 10_000)) {
      try {
        told("live");
        await work(mine.signal);
        wait = 500;
      } catch (error) {
        if (mine.signal.aborted) return;
        told(error.status === 401 ? "out" : "lost");
        if (error.status === 401) return;
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  };
  const look = () => {
    stop?.abort();
    if (!document.hidden && !ended) begin();
  };
  document.addEventListener("visibilitychange", look);
  look();
  return () => {
    ended = true;
    document.removeEventListener("visibilitychange", look);
    stop?.abort();
  };
}
