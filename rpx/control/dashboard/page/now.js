// Now: what is wrong first, a map, and a row for each copy.

import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { get } from "./api.js";
import { Dot, Empty, Spark, State, Words, ago, bytes, kindOf, ms, wordOf } from "./parts.js";

const MINUTE = 60;

// Requests a second of each backend over the last minute, from the counts that come in.
export class Rates {
  #seen = new Map();

  take(stats, now = Date.now() / 1000) {
    for (const [host, backends] of Object.entries(stats)) {
      for (const [address, figures] of Object.entries(backends)) {
        const key = `${host} ${address}`;
        const seen = this.#seen.get(key) ?? [];
        seen.push([now, figures.requests, figures.errors]);
        while (seen.length > 2 && seen[0][0] < now - MINUTE) seen.shift();
        this.#seen.set(key, seen);
      }
    }
  }

  of(key, column = 1, within = 5) {
    const seen = this.#seen.get(key) ?? [];
    const last = seen[seen.length - 1];
    const first = seen.find((each) => last && each[0] >= last[0] - within);
    const time = last && first ? Date.now() / 1000 - first[0] : 0;
    return time > 0.2 ? (last[column] - first[column]) / time : 0;
  }

  // Percent of one core, from the seconds that a copy has used.
  #cpu = new Map();

  takeRows(rows, now = Date.now() / 1000) {
    for (const row of rows) {
      const before = this.#cpu.get(row.label);
      if (row.cpu == null || (before && now - before.at < 1.5)) continue;
      const same = before && before.pid === row.pid && row.cpu >= before.seconds;
      const share = same ? ((row.cpu - before.seconds) / (now - before.at)) * 100 : 0;
      this.#cpu.set(row.label, { at: now, seconds: row.cpu, pid: row.pid, share });
    }
  }

  cpu(row) { return this.#cpu.get(row.label)?.share ?? 0; }

  points(key) {
    const seen = this.#seen.get(key) ?? [];
    const now = Date.now() / 1000;
    const counts = new Array(31).fill(0);
    for (let i = 1; i < seen.length; i += 1) {
      const place = 30 - Math.floor((now - seen[i][0]) / 2);
      if (place >= 0) counts[place] += seen[i][1] - seen[i - 1][1];
    }
    return counts;
  }
}

export function figuresOf(row, stats) {
  if (!row.place || !row.backend) return null;
  const host = Object.keys(stats).find((each) => each === row.place) ?? row.place;
  return stats[host]?.[row.backend] ?? null;
}

const keyOf = (row) => `${row.place} ${row.backend}`;

function Wrong({ rows, act }) {
  const bad = rows.filter((row) => kindOf(row) === "bad");
  const [why, setWhy] = useState({});
  const names = bad.map((row) => row.label).join();
  useEffect(() => {
    if (!names) return undefined;
    let current = true;
    const query = bad.map((row) => `name=${encodeURIComponent(row.label)}`).join("&");
    get(`/v1/why?${query}`).then((found) => current
      && setWhy(Object.fromEntries(found.map((each) => [each.label, each])))).catch(() => {});
    return () => { current = false; };
  }, [names, bad.map((row) => row.since).join()]);
  if (!bad.length) return null;
  return html`<section class="wrong" aria-label="What is wrong">
    ${bad.map((row) => html`<article key=${row.label}>
      <div><strong>${row.label}</strong> <${State} row=${row} />
        <p><${Words} text=${why[row.label]?.because ?? row.last_error} /></p>
        ${why[row.label]?.hint && html`<p class="hint"><${Words} text=${why[row.label].hint} /></p>`}
      </div>
      ${!row.external && html`<button type="button"
        onClick=${() => act(row.state === "failed" ? "start" : "restart", row)}>
        ${row.state === "failed" ? "Start again" : "Restart"}</button>`}
    </article>`)}</section>`;
}

function Map_({ rows, rates }) {
  const services = new Map();
  for (const row of rows) {
    if (!services.has(row.name)) services.set(row.name, []);
    services.get(row.name).push(row);
  }
  return html`<section class="map" aria-label="Hosts, services and copies">
    ${[...services].map(([name, copies]) => {
    const url = copies[0].url;
    const rate = copies.reduce((sum, row) => sum + rates.of(keyOf(row)), 0);
    const errors = copies.reduce((sum, row) => sum + rates.of(keyOf(row), 2), 0);
    const thick = Math.min(4, Math.ceil(Math.log10(1 + rate) * 2));
    return html`<div class="lane" key=${name}>
      <span class="host">${url ? html`<a href=${url} target="_blank" rel="noreferrer">
        ${url.replace(/^https?:\/\//, "")}</a>` : html`<span class="faint">no host</span>`}</span>
      <span class="line thick-${thick} ${errors > 0 ? "errors" : ""}"
        title="${rate.toFixed(1)} requests a second"></span>
      <span class="service">${name}</span>
      <span class="dots">${copies.map((row) => html`<${Dot} key=${row.label} row=${row} />`)}</span>
      <span class="rate">${copies[0].does ?? (rate ? `${rate.toFixed(1)}/s` : "")}</span>
    </div>`;
  })}</section>`;
}

function Row({ row, stats, rates, chosen, choose, act, show }) {
  const figures = figuresOf(row, stats);
  const key = keyOf(row);
  const rate = rates.of(key);
  const paused = wordOf(row) === "paused";
  const up = !["stopped", "failed", "completed"].includes(row.state);
  const own = !row.external && !row.served_by;
  return html`<tr class=${chosen ? "chosen" : ""} onClick=${choose} aria-selected=${chosen}>
    <th scope="row">${row.url ? html`<a href=${row.url} target="_blank" rel="noreferrer"
      title=${row.url}>${row.label}</a>` : row.label}</th>
    <td><${State} row=${row} /></td>
    <td class="number">${ago(row.since)}</td>
    <td class="number">${figures ? rate.toFixed(1) : "–"}
      ${figures && html`<${Spark} points=${rates.points(key)}
        label="requests of the last minute" />`}</td>
    <td class="number">${figures ? figures.requests : "–"}</td>
    <td class="number">${figures ? `${ms(figures.p50)} / ${ms(figures.p99)}` : "–"}</td>
    <td class="number ${figures?.errors ? "bad" : ""}">${figures ? figures.errors : "–"}</td>
    <td class="number">${figures ? `${row.in_flight} / ${figures.held}` : "–"}</td>
    <td class="number">${row.cpu == null ? "–" : `${rates.cpu(row).toFixed(0)} %`}</td>
    <td class="number">${bytes(row.memory)}</td>
    <td class="number ${row.restarts ? "bad" : ""}">${row.restarts}</td>
    <td class="actions" onClick=${(event) => event.stopPropagation()}>
      ${own && html`
        <button type="button" onClick=${() => act("restart", row)}>restart</button>
        ${up ? html`<button type="button" onClick=${() => act("stop", row)}>stop</button>`
    : html`<button type="button" onClick=${() => act("start", row)}>start</button>`}
        ${up && html`<button type="button" class="danger"
          onClick=${() => act("kill-backend", row)}>kill</button>`}`}
      ${row.backend && (paused
    ? html`<button type="button" onClick=${() => act("resume-backend", row)}>resume</button>`
    : html`<button type="button" onClick=${() => act("pause-backend", row)}>pause</button>`)}
      ${own && html`<button type="button" onClick=${() => show("/logs", { only: row.label })}>
        logs</button>`}
    </td></tr>`;
}

export function Now({ rows, stats, rates, chosen, choose, act, scale, show }) {
  if (!rows.length) return html`<${Empty} title="Nothing runs here yet" />`;
  const names = [...new Set(rows.filter((row) => !row.external && row.backend).map((r) => r.name))];
  return html`
    <${Wrong} rows=${rows} act=${act} />
    <${Map_} rows=${rows} rates=${rates} />
    <div class="scroll"><table>
      <caption class="unseen">Each copy, its state and its figures</caption>
      <thead><tr><th scope="col">Copy</th><th scope="col">State</th>
        <th scope="col" class="number">Since</th><th scope="col" class="number">Requests/s</th>
        <th scope="col" class="number">Requests</th>
        <th scope="col" class="number">p50 / p99</th><th scope="col" class="number">Errors</th>
        <th scope="col" class="number">In flight / held</th>
        <th scope="col" class="number">CPU</th><th scope="col" class="number">Memory</th>
        <th scope="col" class="number">Restarts</th><th scope="col">Actions</th></tr></thead>
      <tbody>${rows.map((row) => html`<${Row} key=${row.label} row=${row} stats=${stats}
        rates=${rates} chosen=${chosen === row.label} choose=${() => choose(row.label)}
        act=${act} show=${show} />`)}</tbody>
    </table></div>
    ${names.length > 0 && html`<section class="scales" aria-label="Number of copies">
      ${names.map((name) => {
    const copies = rows.filter((row) => row.name === name).length;
    return html`<span class="scale" key=${name}>${name}
      <button type="button" aria-label="one copy of ${name} less" disabled=${copies < 2}
        onClick=${() => scale(name, copies - 1)}>−</button>
      <output>${copies}</output>
      <button type="button" aria-label="one copy of ${name} more"
        onClick=${() => scale(name, copies + 1)}>+</button></span>`;
  })}</section>`}`;
}
