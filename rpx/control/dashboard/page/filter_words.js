// The filter of requests: words, suggested while they are typed, with the values that were seen.

import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";

// As of rpx/policy/request_filter.py: [word, what it means, values that need not have been seen].
export const KINDS = [
  ["status", "of the answer", ["5xx", "4xx", "2xx", ">=400"]],
  ["method", "of the request", ["GET", "POST"]],
  ["host", "name, or its first labels", []],
  ["path", "without the query; * is anything", []],
  ["ms", "how long it took", [">100", ">500", ">1000", "<10"]],
  ["backend", "who has answered", []],
  ["route", "that it took", []],
  ["client", "address", []],
  ["type", "content type", ["json", "html", "image"]],
  ["protocol", "version, or websocket", ["websocket", "HTTP/2"]],
  ["id", "of one request", []],
];
const FLAGS = [["held", "has waited for a backend"], ["retried", "more than one try"]];
const WHOLE = /^-?(?:held|retried|(?:status|method|host|path|ms|backend|route|client|type|protocol|id):.+)$/;
const MOST = 12;

// Whether there is a sense in asking already: nobody is told off for a word that he still types.
export const areWhole = (text) => text.split(/\s+/).filter(Boolean).every((word) => WHOLE.test(word));

const VALUES = {
  status: (row) => row.status, method: (row) => row.method, host: (row) => row.host,
  path: (row) => row.path, backend: (row) => row.label, route: (row) => row.route,
  client: (row) => row.client, type: (row) => row.type, protocol: (row) => row.upgrade ?? row.protocol,
};

// Values of the last rows by how often they came, and the folders of paths before them.
function seenValues(rows, kind) {
  const counts = new Map();
  const count = (value) => value && counts.set(String(value), (counts.get(String(value)) ?? 0) + 1);
  for (const row of rows.slice(-2000)) {
    const value = VALUES[kind]?.(row);
    count(value);
    if (kind === "path" && /^\/[^/]+\/./.test(value)) count(`/${value.split("/")[1]}/*`);
    if (kind === "backend" && value) count(value.split(":")[0]);
  }
  return [...counts].sort((one, other) => other[1] - one[1]).map(([value]) => value);
}

export function suggested(word, rows) {
  const minus = word.startsWith("-") ? "-" : "";
  const [kind, value] = word.slice(minus.length).split(/:(.*)/s);
  const found = KINDS.find(([name]) => name === kind);
  if (value != null && found) {
    const low = value.toLowerCase();
    const values = [...new Set([...seenValues(rows, kind), ...found[2]])];
    return values.filter((each) => !/\s/.test(each) && each !== value
      && each.toLowerCase().includes(low)).slice(0, MOST).map((each) => [`${minus}${kind}:${each}`, ""]);
  }
  const words = [...KINDS.map(([name, says]) => [`${name}:`, says]), ...FLAGS];
  return words.filter(([name]) => name.startsWith(kind) && name !== kind)
    .map(([name, says]) => [minus + name, says]);
}

export function FilterWords({ value, rows, onWords, wrong }) {
  const [typed, setTyped] = useState(value);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const input = useRef();
  const timer = useRef();
  useEffect(() => { if (value !== typed.trim()) setTyped(value); }, [value]);
  useEffect(() => () => clearTimeout(timer.current), []);

  const end = input.current?.selectionStart ?? typed.length;
  const begin = typed.lastIndexOf(" ", end - 1) + 1;
  const offered = open ? suggested(typed.slice(begin, end), rows) : [];
  const ask = (text) => { clearTimeout(timer.current); onWords(text.trim()); };
  const write = (text) => {
    setTyped(text);
    setAt(-1);
    clearTimeout(timer.current);
    if (areWhole(text)) timer.current = setTimeout(() => onWords(text.trim()), 400);
  };
  const take = (word) => {
    const rest = typed.slice(end).replace(/^\S*/, "");
    const done = !word.endsWith(":");
    const text = typed.slice(0, begin) + word + (done && !rest ? " " : "") + rest;
    write(text);
    setOpen(!done);
    input.current.focus();
    const caret = begin + word.length + (done && !rest ? 1 : 0);
    requestAnimationFrame(() => input.current?.setSelectionRange(caret, caret));
  };
  const pressed = (event) => {
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      if (!open) setOpen(true);
      else if (offered.length) {
        const step = key === "ArrowDown" ? 1 : -1;
        setAt((at + step + offered.length + (at < 0 && step < 0 ? 1 : 0)) % offered.length);
      }
    } else if ((key === "Enter" || key === "Tab") && open && at >= 0 && offered[at]) take(offered[at][0]);
    else if (key === "Enter") { setOpen(false); ask(typed); }
    else if (key === "Escape" && open && offered.length) { setOpen(false); event.stopPropagation(); }
    else return;
    event.preventDefault();
  };
  const shown = open && offered.length > 0;
  return html`<div class="words grow">
    <label class="unseen" for="filter">Filter</label>
    <input id="filter" ref=${input} value=${typed} autocomplete="off" spellcheck="false"
      autocapitalize="off" role="combobox" aria-autocomplete="list" aria-expanded=${shown}
      aria-controls="offered" aria-activedescendant=${shown && at >= 0 ? `offered-${at}` : null}
      aria-invalid=${Boolean(wrong)} aria-describedby=${wrong ? "filter-wrong" : null}
      placeholder="status:5xx  method:POST  path:/api/*  ms:>200  held"
      onInput=${(event) => { write(event.target.value); setOpen(true); }}
      onFocus=${() => setOpen(true)} onBlur=${() => setOpen(false)} onKeyDown=${pressed} />
    ${typed && html`<button type="button" class="quiet clear" aria-label="Clear the filter"
      onClick=${() => { write(""); ask(""); input.current.focus(); }}>✕</button>`}
    <ul id="offered" role="listbox" aria-label="Filter words" class=${shown ? "" : "gone"}>
      ${shown && offered.map(([word, says], i) => html`<li key=${word} id="offered-${i}" role="option"
        aria-selected=${i === at} onMouseDown=${(event) => { event.preventDefault(); take(word); }}>
        <code>${word}</code>${says && html`<span class="faint">${says}</span>`}</li>`)}
    </ul></div>`;
}
