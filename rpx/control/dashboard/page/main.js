// The page: which screen is shown, what is asked for, what keys do. All state is in the address.

import { html, render, useCallback, useEffect, useState } from "./vendor/htm-preact.js";
import { post } from "./api.js";
import { Drills } from "./drills.js";
import { Keys, useKeys } from "./keys.js";
import { useLive } from "./live.js";
import { Logs } from "./logs.js";
import { Now, isOwn, shownRows } from "./now.js";
import { Command, kindOf } from "./parts.js";
import { Projects } from "./projects.js";
import { Requests } from "./requests.js";

const SCREENS = [["/", "Now", "n"], ["/requests", "Requests", "r"], ["/logs", "Logs", "l"],
  ["/drills", "Drills", "d"]];
const NAMES = { coming: "connecting", live: "live", lost: "connection lost, trying again", out: "not let in", end: "ended" };

const project = document.querySelector("meta[name=rpx-project]").content;

function usePlace() {
  const [place, setPlace] = useState(() => new URL(location.href));
  useEffect(() => {
    const moved = () => setPlace(new URL(location.href));
    addEventListener("popstate", moved);
    return () => removeEventListener("popstate", moved);
  }, []);
  const go = useCallback((changes, path = null, replace = false) => {
    const next = new URL(location.href);
    if (path && path !== next.pathname) { next.pathname = path; next.search = ""; }
    for (const [key, value] of Object.entries(changes)) {
      if (value == null) next.searchParams.delete(key);
      else next.searchParams.set(key, value);
    }
    history[replace ? "replaceState" : "pushState"](null, "", next);
    setPlace(next);
  }, []);
  return [place, go];
}

// The command of the button that somebody is at: what it would do.
function useHint() {
  const [hint, setHint] = useState(null);
  useEffect(() => {
    const at = (event) => setHint(event.target.closest?.("[data-command]")?.dataset.command ?? null);
    for (const kind of ["pointerover", "focusin"]) document.addEventListener(kind, at);
    const gone = () => setHint(null);
    document.addEventListener("focusout", gone);
    document.addEventListener("click", gone, true);
    return () => {
      for (const kind of ["pointerover", "focusin"]) document.removeEventListener(kind, at);
      document.removeEventListener("focusout", gone);
      document.removeEventListener("click", gone, true);
    };
  }, []);
  return hint;
}

function App() {
  const [place, go] = usePlace();
  const [how, live] = useLive();
  const [said, setSaid] = useState(null);
  const [help, setHelp] = useState(false);
  const [, tick] = useState(0);
  const rows = Object.values(live.ps);
  const screen = place.pathname;
  const chosen = place.searchParams.get("copy");
  const filter = place.searchParams.get("q") ?? "";
  const hint = useHint();

  useEffect(() => {
    const timer = setInterval(() => !document.hidden && tick((n) => n + 1), 1000);
    return () => clearInterval(timer);
  }, []);

  const tell = async (command, work) => {
    setSaid({ command, text: "…" });
    try {
      const [text, bad] = await work();
      setSaid({ command, text, bad });
    } catch (error) {
      setSaid({ command, text: [error.message, error.hint].filter(Boolean).join(" – "), bad: true });
    }
  };
  const act = (verb, row) => tell(`rpx ${verb} ${row.label}`, async () => {
    const body = verb === "kill-backend" ? { target: row.label } : { names: [row.label] };
    const found = await post(`/v1/orders/${verb}`, body);
    const all = Array.isArray(found) ? found : [found];
    return [all.map((each) => each.sentence).join("; "), all.some((each) => each.exit_code)];
  });
  const scale = (name, copies) => tell(`rpx scale ${name}=${copies}`, async () => {
    const found = await post("/v1/scale", { services: { [name]: copies } });
    return [[...found.sentences, ...found.advice].join("; ") || "done", false];
  });
  const drill = (command, body) => tell(command, async () => {
    await post("/v1/drills", body);
    return ["it is under way", false];
  });
  const stopDrill = () => tell("Ctrl-C", async () => {
    await post("/v1/drills/stop", {});
    return ["the drill was stopped", false];
  });
  const show = (path, changes) => go(changes, path);

  const step = (by) => {
    if (screen !== "/") return false;
    const shown = shownRows(live, filter);
    const at = shown.findIndex((row) => row.label === chosen) + by;
    const next = shown[Math.max(0, Math.min(shown.length - 1, at))];
    if (next) go({ copy: next.label }, null, true);
    return true;
  };
  const picked = screen === "/" && rows.find((row) => row.label === chosen);
  useKeys({
    ...Object.fromEntries(SCREENS.map(([path, , key]) => [key, () => go({}, path)])),
    "?": () => setHelp(true),
    "/": () => document.getElementById("filter")?.focus(),
    j: () => step(1),
    k: () => step(-1),
    x: () => (picked && isOwn(picked) ? act("restart", picked) : false),
    Enter: () => {
      if (!picked) return false;
      if (isOwn(picked)) go({ only: picked.label }, "/logs");
      else if (picked.url) open(picked.url, "_blank", "noreferrer");
      return true;
    },
  });
  const bad = rows.filter((row) => kindOf(row) === "bad").length;
  useEffect(() => {
    const name = SCREENS.find(([path]) => path === screen)?.[1] ?? "Now";
    document.title = `${bad ? `(${bad}) ` : ""}${name} – ${project} – rpx`;
  }, [screen, bad]);

  const link = ([path, name, key]) => html`<a key=${path} href=${path}
    aria-current=${path === screen ? "page" : null} aria-keyshortcuts=${key}
    onClick=${(event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go({}, path);
  }}>${name}</a>`;
  const labels = [...new Set(rows.filter((row) => !row.external && !row.served_by)
    .map((row) => row.label))];
  return html`
    <${Projects} projects=${live.projects} tell=${tell} />
    <header><h1>${project}</h1><nav aria-label="Screens">${SCREENS.map(link)}</nav>
      <span class="how ${how}" role="status">${NAMES[how]}</span>
      <button type="button" class="quiet" aria-label="Keys" onClick=${() => setHelp(true)}>?</button>
    </header>
    <main id="main">
      ${how === "end" && html`<p class="mistake" role="alert">This project has ended.
        <code>rpx up</code> starts it again, and prints a new link.</p>`}
      ${how === "out" && html`<p class="mistake" role="alert">This browser is not let in any more:
        type <code>rpx open --dashboard</code></p>`}
      ${screen === "/requests" ? html`<${Requests} place=${place.searchParams} go=${go} tell=${tell}
        copies=${rows.filter((row) => row.backend).map((row) => row.label)} />`
    : screen === "/logs" ? html`<${Logs} place=${place.searchParams} go=${go}
        labels=${labels} />`
      : screen === "/drills" ? html`<${Drills} live=${live} place=${place.searchParams} go=${go} start=${drill}
        stop=${stopDrill} />`
        : html`<${Now} live=${live} chosen=${chosen} filter=${filter}
          choose=${(label) => go({ copy: label }, null, true)} go=${go} act=${act} scale=${scale}
          show=${show} />`}
    </main>
    <footer>
      <div aria-live="polite">${said && !hint && html`<${Command} text=${said.command} />
        <span class=${said.bad ? "bad" : ""}>${said.text}</span>`}</div>
      ${hint ? html`<code class="hint">${hint}</code>` : !said && html`<span class="faint">
        ${screen === "/" && html`<kbd>j</kbd> <kbd>k</kbd> choose, <kbd>x</kbd> restart, `}<kbd>?</kbd> all
        keys</span>`}
    </footer>
    ${help && html`<${Keys} close=${() => setHelp(false)} />`}`;
}

render(html`<${App} />`, document.getElementById("app"));
