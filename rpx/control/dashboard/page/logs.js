// Logs: what all services print, by time, and which requests were under way when they did.

import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { get } from "./api.js";
import { statusKind } from "./drawer.js";
import { useLogs } from "./log_window.js";
import { LongList } from "./long_list.js";
import { Empty, Words, clock, ms } from "./parts.js";

const HEIGHT = 22;
const COLOURS = 6;
const LEVELS = [["", "all levels"], ["error", "errors"], ["warn", "warnings, errors"],
  ["info", "info and more"], ["debug", "debug and more"]];

export function colourOf(label) {
  let sum = 0;
  for (const c of label) sum = (sum * 31 + c.codePointAt(0)) % 997;
  return sum % COLOURS;
}

const exact = (at) => `${clock(at)}.${String(Math.floor((at % 1) * 1000)).padStart(3, "0")}`;

// The text, with what is searched for marked.
function Found({ text, search }) {
  if (!search) return text;
  const low = text.toLowerCase();
  const parts = [];
  let from = 0;
  for (let at; (at = low.indexOf(search, from)) >= 0; from = at + search.length) {
    parts.push(text.slice(from, at), html`<mark>${text.slice(at, at + search.length)}</mark>`);
  }
  return [...parts, text.slice(from)];
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

// A line as a whole, and the requests of its moment. `known` is that line, if it is here.
function Moment({ at, of, number, choice, known, go, close }) {
  const [line, setLine] = useState(known ?? null);
  const [rows, setRows] = useState(null);
  useEffect(() => {
    let current = true;
    setLine(known ?? null);
    setRows(null);
    if (!known) {
      get(`/v1/logs/window?first=${number}&count=1${choice}`)
        .then(({ lines: [found] }) => current && setLine(found && String(found.at) === at ? found : false))
        .catch(() => current && setLine(false));
    }
    get(`/v1/requests?at=${at}&tail=50`).then((found) => current && setRows(found))
      .catch(() => current && setRows([]));
    return () => { current = false; };
  }, [at, of, number]);
  const open = (row) => go({ id: row.id }, "/requests");
  return html`<aside class="drawer slim" id="drawer" tabindex="-1" aria-label="A line and its moment">
    <div class="drawer-head"><h2><span class="colour-${colourOf(of)}">${of}</span>
      <span class="faint"> ${exact(Number(at))}</span></h2>
      <button type="button" class="quiet" onClick=${close} aria-label="Close">✕</button></div>
    ${line && html`<section><h3>${line.level || "Line"}</h3>
      <pre tabindex="0" class="whole-line">${pretty(line.text)}${line.cut ? " …" : ""}</pre></section>`}
    ${line === false && html`<p class="faint">This line is no longer kept, or has another place now.</p>`}
    <section><h3>Requests of that moment</h3>
      ${rows && !rows.length && html`<p class="faint">None was under way: it was printed by itself, or they are no
        longer kept.</p>`}
      ${rows?.length > 0 && html`<div class="requests of-moment" role="table" aria-label="Requests of that moment">
        ${rows.map((row) => html`<div class="request" role="row" key=${row.id} onClick=${() => open(row)}>
          <span role="cell" class="time">${clock(row.time)}</span>
          <span role="cell" class="status ${statusKind(row)}">${row.status ?? "none"}</span>
          <span role="cell" class="method">${row.method}</span>
          <span role="cell" class="wide"><button type="button" class="link">
            <span class="faint">${row.host}</span>${row.path}</button></span>
          <span role="cell" class="number">${ms(row.ms)}</span>
          <span role="cell" class="by">${row.label ?? "rpx"}</span></div>`)}</div>
        <p><button type="button" onClick=${() => go({ at }, "/requests")}>Show them in Requests</button></p>`}
    </section></aside>`;
}

export function Logs({ place, go, labels }) {
  const [follow, setFollow] = useState(true);
  const [goTo, setGoTo] = useState(null);
  const fresh = useRef(0);
  const list = (name) => place.get(name)?.split(",").filter(Boolean) ?? [];
  const only = list("only");
  const without = list("without");
  const search = place.get("q") ?? "";
  const level = place.get("level") ?? "";
  const [typed, setTyped] = useState(search);
  const timer = useRef();
  const at = place.get("at");
  const of = place.get("of");
  useEffect(() => { if (search !== typed.trim()) setTyped(search); }, [search]);

  const choice = [...only.map((label) => ["name", label]), ...without.map((label) => ["without", label]),
    search && ["search", search], level && ["level", level]].filter(Boolean)
    .map(([key, value]) => `&${key}=${encodeURIComponent(value)}`).join("");
  const [blocks, wrong, onSeen] = useLogs(choice, follow);
  const count = blocks.end - blocks.begin;
  if (follow) fresh.current = blocks.end;

  const all = ["rpx", ...labels];
  const on = (label) => (only.length ? only.includes(label) : !without.includes(label));
  const toggle = (label) => {
    const name = only.length ? "only" : "without";
    const now = only.length ? only : without;
    const next = now.includes(label) ? now.filter((each) => each !== label) : [...now, label];
    const none = !next.length || (name === "only" && all.every((each) => next.includes(each)));
    go({ [name]: none ? null : next.join(",") }, null, true);
  };
  const write = (text) => {
    setTyped(text);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => go({ q: text.trim() || null, line: null, at: null, of: null }, null, true), 250);
  };
  const open = (number) => {
    const line = blocks.line(number);
    if (line) go({ line: number, at: line.at, of: line.label }, null, Boolean(at));
  };
  const close = () => { go({ line: null, at: null, of: null }); document.querySelector(".window")?.focus(); };
  const chosen = at == null ? -1 : Number(place.get("line") ?? -1);

  useEffect(() => {
    const pressed = (event) => {
      if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = { j: 1, k: -1 }[event.key];
      if (step && count) {
        const number = chosen < 0 ? blocks.end - 1 : chosen + step;
        if (number < blocks.begin || number >= blocks.end) return;
        open(number);
        setFollow(false);
        setGoTo({ place: number - blocks.begin });
      } else if (event.key === "Escape" && at) close();
      else if (event.key === "Enter" && at && !event.target.closest("button, a")) {
        document.getElementById("drawer")?.focus();
      } else if (event.key === "G" || event.key === "End") setFollow(true);
      else if (event.key === "g" || event.key === "Home") { setFollow(false); setGoTo({ place: 0 }); }
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
  const render = (i) => {
    const number = blocks.begin + i;
    const line = blocks.line(number);
    if (!line) return html`<div key=${i} class="line-of-log coming"><span class="time">…</span></div>`;
    return html`<div key=${i} class="line-of-log ${line.level} ${number === chosen ? "chosen" : ""}"
      onClick=${() => String(getSelection()) || open(number)}>
      <button type="button" class="link time" aria-label="${exact(line.at)}, ${line.label}: the requests of that moment"
        >${exact(line.at)}</button>
      <span class="label colour-${colourOf(line.label)}">${line.label}</span>
      <span class="text"><${Found} text=${line.text} search=${search.toLowerCase()} /></span></div>`;
  };
  const chosenAny = choice !== "";
  return html`<div class="with-drawer ${at ? "open" : ""}"><div class="main-part">
    <div class="bar">
      <label class="grow"><span class="unseen">Search</span><input id="filter" type="search"
        placeholder="Search" value=${typed} onInput=${(event) => write(event.target.value)} /></label>
      <label><span class="unseen">Level</span><select value=${level}
        onChange=${(event) => go({ level: event.target.value || null }, null, true)}>
        ${LEVELS.map(([value, says]) => html`<option key=${value} value=${value}>${says}</option>`)}</select></label>
      <label class="check"><input type="checkbox" checked=${follow}
        onChange=${() => setFollow(!follow)} /> follow</label>
      <span class="count" role="status">${blocks.counted < 1 && chosenAny && blocks.counted > 0
    ? `searching, ${Math.round(blocks.counted * 100)} %` : `${count.toLocaleString("en")} ${count === 1 ? "line" : "lines"}`}</span>
    </div>
    <div class="chips" role="group" aria-label="Services: a click shows or hides, a double click shows one alone">
      ${all.map((label) => html`<button type="button" key=${label}
        class="chip colour-${colourOf(label)}" aria-pressed=${on(label)} onClick=${() => toggle(label)}
        title="a double click shows it alone"
        onDblClick=${() => go({ only: label, without: null }, null, true)}>${label}</button>`)}
      ${(only.length > 0 || without.length > 0) && html`<button type="button" class="quiet"
        onClick=${() => go({ only: null, without: null }, null, true)}>all</button>`}</div>
    ${wrong && html`<p class="mistake" role="alert">${wrong.message}
      ${wrong.hint && html`<span class="hint"><${Words} text=${wrong.hint} /></span>`}</p>`}
    ${count ? html`<${LongList} count=${count} height=${HEIGHT} follow=${follow} onFollow=${setFollow}
      onSeen=${onSeen} goTo=${goTo} render=${render} label="Output, newest last" />`
    : html`<div class="window"><${Empty} title=${!blocks.counted ? "Reading…" : chosenAny ? "No line is like that"
      : "Nothing was printed yet"} /></div>`}
    ${!follow && blocks.end > fresh.current && html`<button type="button" class="latest"
      onClick=${() => setFollow(true)}>↓ ${(blocks.end - fresh.current).toLocaleString("en")} new</button>`}
  </div>
  ${at && html`<${Moment} at=${at} of=${of ?? ""} number=${chosen}
    choice=${choice} known=${blocks.line(chosen)} go=${go} close=${close} />`}</div>`;
}
