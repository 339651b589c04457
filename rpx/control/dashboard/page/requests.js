// Requests: the live table, its filter, and the drawer with all about one of them.

import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { Drawer, statusKind } from "./drawer.js";
import { FilterWords } from "./filter_words.js";
import { LongList } from "./long_list.js";
import { Empty, Words, clock, ms } from "./parts.js";
import { usePassed } from "./passing.js";

const HEIGHT = 30;
const BEHIND = 0.1; // seconds: many services print once they have answered

// Who was under way at a moment, or shortly before.
const wasThen = (row, at) => row.time <= at && at <= row.time + row.ms / 1000 + BEHIND;

function Row({ row, chosen, choose }) {
  if (row.missed) {
    return html`<div class="request missed" role="row"><span role="cell" class="all">
      ${row.missed} more came too fast to show one by one: a filter or <code>rpx requests --json</code> has them
      </span></div>`;
  }
  const odd = [row.tries > 1 && `${row.tries} tries`, row.held && "held", row.upgrade, row.going && "goes on"]
    .filter(Boolean).join(", ");
  return html`<div class="request ${chosen ? "chosen" : ""}" role="row" aria-selected=${chosen}
    onClick=${choose}>
    <span role="cell" class="time">${clock(row.time)}</span>
    <span role="cell" class="status ${statusKind(row)}">${row.status ?? "none"}</span>
    <span role="cell" class="method">${row.method || "–"}</span>
    <span role="cell" class="wide"><button type="button" class="link" title="${row.host}${row.path}"
      ><span class="faint">${row.host}</span>${row.path}<span class="faint">${row.query && `?${row.query}`}</span>
    </button></span>
    <span role="cell" class="number">${ms(row.ms)}</span>
    <span role="cell" class="by">${row.label ?? "rpx"}${odd && html`<span class="odd"> ${odd}</span>`}</span></div>`;
}

function Nothing({ all, filter, noise, at, go }) {
  if (at != null) {
    return html`<${Empty} title="No request was under way then"><p>${all.length && all[0].time > at
      ? "The first one that is kept came later." : "The service printed by itself."}</p>
      <p><button type="button" onClick=${() => go({ at: null })}>All requests</button></p><//>`;
  }
  if (filter) {
    return html`<${Empty} title="No request is like that"><p>
      <button type="button" onClick=${() => go({ q: null })}>Clear the filter</button></p><//>`;
  }
  if (noise) {
    return html`<${Empty} title="Only assets and hot reloads so far"><p>
      <button type="button" onClick=${() => go({ noise: "1" })}>Show these ${noise}</button></p><//>`;
  }
  return html`<${Empty} title="No requests yet"><p>Ask one of your hosts, and it stands here.</p><//>`;
}

export function Requests({ place, go, tell, copies }) {
  const filter = place.get("q") ?? "";
  const noisy = place.get("noise") === "1";
  const chosen = place.get("id");
  const at = place.get("at") == null ? null : Number(place.get("at"));
  const [passed, wrong] = usePassed(filter, noisy);
  const [follow, setFollow] = useState(at == null);
  const [goTo, setGoTo] = useState(null);
  const seen = useRef(0); // how many there were when the list was left at its end
  const rows = at == null ? passed.rows : passed.rows.filter((row) => !row.missed && wasThen(row, at));
  if (follow) seen.current = passed.rows.length;
  const fresh = Math.max(0, passed.rows.length - seen.current);
  const index = chosen ? rows.findLastIndex((row) => row.id === chosen) : -1;
  const choose = (row) => { setFollow(false); go({ id: row.id }, null, Boolean(chosen)); };
  const close = () => { go({ id: null }); document.querySelector(".window")?.focus(); };

  // An address that has a request shows also where that stands.
  const sought = useRef(chosen);
  useEffect(() => {
    if (!sought.current || index < 0) return;
    sought.current = null;
    setFollow(false);
    setGoTo({ place: index });
  }, [index]);
  useEffect(() => {
    const pressed = (event) => {
      if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
      const step = { j: 1, k: -1 }[event.key];
      if (step) {
        let next = index < 0 ? (step > 0 ? 0 : rows.length - 1) : index + step;
        while (rows[next]?.missed) next += step;
        if (!rows[next]) return;
        choose(rows[next]);
        setGoTo({ place: next });
      } else if (event.key === "Escape" && chosen) close();
      else if (event.key === "Enter" && chosen && !event.target.closest("button, a, summary")) {
        document.getElementById("drawer")?.focus();
      }
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
  return html`<div class="with-drawer ${chosen ? "open" : ""}"><div class="main-part">
    <div class="bar">
      <${FilterWords} value=${filter} rows=${passed.rows} wrong=${wrong}
        onWords=${(text) => text !== filter && go({ q: text || null }, null, true)} />
      <label class="check"><input type="checkbox" checked=${noisy}
        onChange=${() => go({ noise: noisy ? null : "1" }, null, true)} /> assets and HMR${noisy ? "" : ` (${passed.noise})`}</label>
      <label class="check"><input type="checkbox" checked=${follow}
        onChange=${() => setFollow(!follow)} /> follow</label>
    </div>
    ${wrong && html`<p class="mistake" role="alert" id="filter-wrong">${wrong.message}
      ${wrong.hint && html`<span class="hint"><${Words} text=${wrong.hint} /></span>`}</p>`}
    ${at != null && html`<p class="moment">Requests that were under way at ${clock(at)}
      <button type="button" onClick=${() => go({ at: null })}>All requests</button></p>`}
    <div class="requests" role="table" aria-label="Requests" aria-rowcount=${rows.length + 1}>
      <div class="request head" role="row">
        <span role="columnheader" class="time">Time</span><span role="columnheader" class="status">Status</span>
        <span role="columnheader" class="method">Method</span><span role="columnheader" class="wide">URL</span>
        <span role="columnheader" class="number">Took</span>
        <span role="columnheader" class="by">Answered by</span></div>
      ${rows.length ? html`<${LongList} count=${rows.length} height=${HEIGHT} follow=${follow && at == null}
        onFollow=${setFollow} goTo=${goTo} role="rowgroup" label="Requests, newest last"
        render=${(i) => html`<${Row} key=${rows[i].id} row=${rows[i]} chosen=${rows[i].id === chosen}
          choose=${() => choose(rows[i])} />`} />`
    : html`<div class="window" role="rowgroup"><div role="row"><div role="cell"><${Nothing} all=${passed.rows}
        filter=${filter} noise=${passed.noise} at=${at} go=${go} /></div></div></div>`}
    </div>
    ${!follow && fresh > 0 && html`<button type="button" class="latest" onClick=${() => setFollow(true)}>
      ↓ ${fresh} new</button>`}
  </div>
  ${chosen && html`<${Drawer} id=${chosen} known=${passed.rows[index]} close=${close} tell=${tell}
    copies=${copies} />`}</div>`;
}
