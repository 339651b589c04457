// The page: which screen is shown, what comes in, and what keys do. All state is in the address.

import { html, render, useCallback, useEffect, useState } from "./vendor/htm-preact.js";
import { post } from "./api.js";
import { Drills } from "./drills.js";
import { useLive } from "./live.js";
import { Logs } from "./logs.js";
import { Now } from "./now.js";
import { Command } from "./parts.js";
import { Projects } from "./projects.js";
import { Requests } from "./requests.js";

const SCREENS = [["/", "Now", "n"], ["/requests", "Requests", "r"], ["/logs", "Logs", "l"],
  ["/drills", "Drills", "d"]];
const KEYS = [["n r l d", "the four screens"], ["j k", "down, up"], ["Enter", "open what is chosen"],
  ["x", "restart what is chosen"], ["/", "filter"], ["Esc", "close"], ["?", "this list"]];
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

function App() {
  const [place, go] = usePlace();
  const [how, live] = useLive();
  const [said, setSaid] = useState(null);
  const [help, setHelp] = useState(false);
  const [, tick] = useState(0);
  const rows = Object.values(live.ps);
  const screen = place.pathname;
  const chosen = place.searchParams.get("copy");

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

  useEffect(() => {
    const pressed = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape") setHelp(false);
      if (event.target.closest("input, select, textarea")) {
        if (event.key === "Escape") event.target.blur();
        return;
      }
      const to = SCREENS.find(([, , key]) => key === event.key);
      if (to) go({}, to[0]);
      else if (event.key === "?") setHelp((before) => !before);
      else if (event.key === "/") document.getElementById("filter")?.focus();
      else if (screen === "/" && (event.key === "j" || event.key === "k")) {
        const at = rows.findIndex((row) => row.label === chosen) + (event.key === "j" ? 1 : -1);
        const next = rows[Math.max(0, Math.min(rows.length - 1, at))];
        if (next) go({ copy: next.label }, null, true);
      } else if (screen === "/" && event.key === "x") {
        const row = rows.find((each) => each.label === chosen);
        if (row && !row.external) act("restart", row);
      } else if (screen === "/" && event.key === "Enter" && event.target === document.body) {
        if (chosen) go({ only: chosen }, "/logs");
      } else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
  useEffect(() => {
    const name = SCREENS.find(([path]) => path === screen)?.[1] ?? "Now";
    document.title = `${name} – ${project} – rpx`;
  }, [screen]);

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
      <button type="button" class="quiet" aria-label="Keys" onClick=${() => setHelp(!help)}>?</button>
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
        : html`<${Now} live=${live} chosen=${chosen} filter=${place.searchParams.get("q") ?? ""}
          choose=${(label) => go({ copy: label }, null, true)} go=${go} act=${act} scale=${scale}
          show=${show} />`}
    </main>
    <footer class=${said ? "" : "unseen"} aria-live="polite">${said && html`<${Command} text=${said.command} />
      <span class=${said.bad ? "bad" : ""}>${said.text}</span>`}</footer>
    ${help && html`<section class="keys" aria-label="Keys"><dl>
      ${KEYS.map(([key, what]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}
    </dl></section>`}`;
}

render(html`<${App} />`, document.getElementById("app"));
