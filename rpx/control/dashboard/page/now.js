// Now: what is wrong first, the map, and a row for each copy.

import { html, useEffect, useRef } from "./vendor/htm-preact.js";
import { Map_ } from "./map.js";
import { Empty, Spark, State, Words, ago, bytes, kindOf, ms, rate, wordOf } from "./parts.js";

const DOWN = ["stopped", "failed", "completed"];
const HEADS = [["Copy"], ["State"], ["Requests/s", 1], ["p50 / p99", 1], ["Errors", 1],
  ["In flight", 1], ["Held", 1], ["CPU", 1], ["Memory", 1], ["Restarts", 1], ["Actions"]];

export const isOwn = (row) => !row.external && !row.served_by;
// Who answers at its place: itself, or the only one that does where it has no backends.
const whoOf = (row, stats) => row.backend ?? Object.keys(stats[row.place] ?? {})[0];
const figuresOf = (row, stats) => stats[row.place]?.[whoOf(row, stats)] ?? null;
const trendOf = (row, { stats, minute }) => minute[`${row.place} ${whoOf(row, stats)}`];

// A button that says which command does the same, before it is pressed and after.
function Act({ verb, row, act, children, kind = "" }) {
  const command = `rpx ${verb} ${row.label}`;
  return html`<button type="button" class=${kind} title=${command}
    data-command=${command} aria-label="${children} ${row.label}" onClick=${() => act(verb, row)}>${children}</button>`;
}

function Wrong({ rows, live, act, show }) {
  const { why } = live;
  const bad = rows.filter((row) => kindOf(row) === "bad");
  const failing = new Map();
  for (const row of rows) {
    const errors = trendOf(row, live)?.errors_of_minute ?? 0;
    if (errors) failing.set(row.place, (failing.get(row.place) ?? 0) + errors);
  }
  if (!bad.length && !failing.size) return null;
  return html`<section class="wrong" aria-label="What is wrong">
    ${bad.map((row) => html`<article key=${row.label}>
      <div><h2><${State} row=${row} /> ${row.label}</h2>
        <p><${Words} text=${why[row.label]?.because || row.last_error} /></p>
        ${why[row.label]?.hint && html`<p class="hint"><${Words} text=${why[row.label].hint} /></p>`}
        ${why[row.label]?.last_lines.length > 0 && html`<details><summary>Its last lines</summary>
          <pre tabindex="0">${why[row.label].last_lines.join("\n")}</pre></details>`}
      </div>
      ${isOwn(row) && html`<div class="buttons">
        <${Act} verb=${row.state === "failed" ? "start" : "restart"} row=${row} act=${act}
          kind="first">${row.state === "failed" ? "Start again" : "Restart"}<//>
        <button type="button" title="rpx logs ${row.label}" data-command="rpx logs ${row.label}"
          onClick=${() => show("/logs", { only: row.label })}>Logs</button></div>`}
    </article>`)}
    ${[...failing].map(([place, errors]) => html`<article key=${place} class="mild">
      <div><h2>${place}</h2><p>${errors === 1 ? "1 request" : `${errors} requests`} of the last minute
        had no good answer.</p></div>
      <div class="buttons"><button type="button" class="first" title="rpx requests status:5xx"
        data-command="rpx requests status:5xx"
        onClick=${() => show("/requests", { q: `status:5xx host:${place.split("/")[0]}` })}>
        Show them</button></div>
    </article>`)}</section>`;
}

function Row({ row, live, chosen, choose, act, show }) {
  const cpu = live.cpu[row.label];
  const figures = figuresOf(row, live.stats);
  const trend = trendOf(row, live);
  const paused = wordOf(row) === "paused";
  const up = !DOWN.includes(row.state);
  const line = useRef();
  useEffect(() => { if (chosen) line.current.scrollIntoView({ block: "nearest" }); }, [chosen]);
  const number = (label, value, kind = "") => html`<td class="number ${kind}" data-label=${label}>
    ${value}</td>`;
  return html`<tr ref=${line} class=${chosen ? "chosen" : ""} onClick=${choose} data-copy=${row.label}
    aria-current=${chosen ? "true" : null}>
    <th scope="row">${row.label}
      <span class="url">${row.url && (row.url.includes("*") ? row.url : html`<a href=${row.url}
        target="_blank" rel="noreferrer">${row.url.replace(/^https?:\/\//, "")}</a>`)}</span></th>
    <td class="how-it-is"><${State} row=${row} /> <span class="since">${ago(row.since)}</span></td>
    <td class="number" data-label="Requests/s">${trend ? html`<span>${rate(trend.rate)}</span>
      <${Spark} lines=${[trend.requests]} label="requests a second, last minute" />` : "–"}</td>
    <td class="number" data-label="p50 / p99">${figures ? html`
      <span>${ms(figures.p50)} / ${ms(figures.p99)}</span>
      ${trend && html`<${Spark} lines=${[trend.p99, trend.p50]}
        label="p50 and p99 of the last minute" />`}` : "–"}</td>
    ${number("Errors", figures?.errors ?? "–", figures?.errors ? "bad" : "")}
    ${number("In flight", row.backend || figures ? figures?.inFlight ?? row.in_flight : "–")}
    ${number("Held", figures?.held ?? "–")}
    ${number("CPU", cpu == null ? "–" : `${Math.round(cpu)} %`)}
    ${number("Memory", bytes(row.memory))}
    ${number("Restarts", row.does ? "–" : row.restarts, row.restarts ? "bad" : "")}
    <td class="actions" onClick=${(event) => event.stopPropagation()}><div class="buttons">
      ${isOwn(row) && html`
        <${Act} verb="restart" row=${row} act=${act}>restart<//>
        ${up ? html`<${Act} verb="stop" row=${row} act=${act}>stop<//>`
    : html`<${Act} verb="start" row=${row} act=${act}>start<//>`}`}
      ${row.backend && (paused
    ? html`<${Act} verb="resume-backend" row=${row} act=${act}>resume<//>`
    : html`<${Act} verb="pause-backend" row=${row} act=${act}>pause<//>`)}
      ${isOwn(row) && html`
        ${up && html`<${Act} verb="kill-backend" row=${row} act=${act} kind="danger">kill<//>`}
        <button type="button" title="rpx logs ${row.label}"
          data-command="rpx logs ${row.label}" aria-label="logs of ${row.label}"
          onClick=${() => show("/logs", { only: row.label })}>logs</button>`}
      ${row.url && !row.url.includes("*") && html`<a class="button" href=${row.url} target="_blank"
        rel="noreferrer" title="rpx open ${row.name}"
          data-command="rpx open ${row.name}" aria-label="open ${row.label}">open</a>`}
    </div></td></tr>`;
}

function Service({ name, rows, scale, act, show }) {
  const copies = rows.length;
  const whole = { label: name };
  return html`<tr class="service-row"><th scope="rowgroup" colspan=${HEADS.length}>
    <div><span class="service-name">${name}</span>
      <span class="scale" role="group" aria-label="Number of copies of ${name}">
        <button type="button" aria-label="one copy of ${name} less" disabled=${copies < 2}
          title="rpx scale ${name}=${copies - 1}"
          data-command="rpx scale ${name}=${copies - 1}" onClick=${() => scale(name, copies - 1)}>−</button>
        <output>${copies === 1 ? "1 copy" : `${copies} copies`}</output>
        <button type="button" aria-label="one copy of ${name} more"
          title="rpx scale ${name}=${copies + 1}"
          data-command="rpx scale ${name}=${copies + 1}" onClick=${() => scale(name, copies + 1)}>+</button>
      </span>
      <span class="buttons"><${Act} verb="restart" row=${whole} act=${act}>restart all<//>
        <button type="button" title="rpx drill ${name}"
          data-command="rpx drill ${name}" aria-label="drill ${name}"
          onClick=${() => show("/drills", { service: name })}>drill</button></span>
    </div></th></tr>`;
}

// The rows that the filter means, by service.
function grouped(live, filter) {
  const groups = new Map();
  for (const row of Object.values(live.ps)) {
    const text = `${row.label} ${row.url ?? ""} ${wordOf(row)}`;
    if (!text.includes(filter.trim().toLowerCase())) continue;
    const name = row.does ? "" : row.name;
    groups.set(name, [...groups.get(name) ?? [], row]);
  }
  return groups;
}

export const shownRows = (live, filter) => [...grouped(live, filter).values()].flat();

export function Now({ live, chosen, choose, filter, go, act, scale, show }) {
  const all = Object.values(live.ps);
  if (!all.length) {
    return html`<${Empty} title="Nothing runs here yet"><p>What is in rpx.yaml is shown as soon as it
      is there: <code>rpx start</code></p><//>`;
  }
  const groups = grouped(live, filter);
  return html`
    <${Wrong} rows=${all} live=${live} act=${act} show=${show} />
    <${Map_} rows=${all} minute=${live.minute} choose=${choose} />
    ${all.length > 6 && html`<div class="bar narrow"><label class="grow">
      <span class="unseen">Filter by name or state</span>
      <input id="filter" type="search" placeholder="Filter by name or state" value=${filter}
        onInput=${(event) => go({ q: event.target.value || null }, null, true)} /></label></div>`}
    <div class="scroll copies" tabindex="0" role="region" aria-label="Copies"><table>
      <caption class="unseen">Each copy, its state and its figures</caption>
      <thead><tr>${HEADS.map(([head, number]) => html`<th key=${head} scope="col"
        class=${number ? "number" : ""}>${head}</th>`)}</tr></thead>
      ${[...groups].map(([name, its]) => html`<tbody key=${name}>
        ${its.some((row) => row.backend && isOwn(row)) && html`<${Service} name=${name}
          rows=${all.filter((row) => row.name === name && row.backend)} scale=${scale} act=${act}
          show=${show} />`}
        ${its.map((row) => html`<${Row} key=${row.label} row=${row} live=${live}
          chosen=${chosen === row.label}
          choose=${() => choose(row.label)} act=${act} show=${show} />`)}</tbody>`)}
    </table>${!groups.size && html`<p class="empty">Nothing has this name or state.</p>`}</div>`;
}
