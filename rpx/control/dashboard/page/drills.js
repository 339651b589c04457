// Drills: start a rehearsed failure, watch it, and compare the last reports.

import { html, useState } from "./vendor/htm-preact.js";
import { Command, Empty, clock, ms } from "./parts.js";

const DAMAGE = { kill: "killed", stop: "asked to stop", hang: "suspended for a while", slow: "slowed down" };
const WORDS = { passed: "passed", failed: "failed", stopped: "stopped", broken: "could not go on",
  running: "running" };
const KINDS = { passed: "good", failed: "bad", broken: "bad", stopped: "busy", running: "busy" };
const SHAPES = { passed: "✓", failed: "✕", broken: "✕", stopped: "○", running: "◐" };
const SLICES = 60;

// What the form says, as the API takes it; what is as usual is left out.
function bodyOf(place, service) {
  const body = { service };
  for (const name of ["damage", "backend", "path"]) {
    if (place.get(name)) body[name] = place.get(name);
  }
  for (const name of ["rate", "duration", "at", "down_for", "allow_errors"]) {
    if (place.get(name)) body[name] = +place.get(name);
  }
  if (place.has("grpc")) body.grpc = place.get("grpc");
  return body;
}

const quoted = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`);

export function commandOf(body) {
  const words = ["rpx", "drill", body.service];
  if ((body.damage ?? "kill") !== "kill" || body.backend) words.push(`--${body.damage ?? "kill"}`);
  if (body.backend) words.push(body.backend);
  if ((body.rate ?? 200) !== 200) words.push("--rate", String(body.rate));
  if ((body.duration ?? 10) !== 10) words.push("--duration", `${body.duration}s`);
  if (body.at != null) words.push("--at", `${body.at}s`);
  if (body.down_for != null) words.push("--down-for", `${body.down_for}s`);
  if ((body.path ?? "/") !== "/") words.push("--path", body.path);
  if (body.grpc != null) words.push("--grpc", ...(body.grpc ? [body.grpc] : []));
  if (body.allow_errors) words.push("--allow-errors", String(body.allow_errors));
  return words.map(quoted).join(" ");
}

// A bar for each part of the time, as high as its longest answer; red where something failed, and a
// band below while the copy was out of rotation.
function Chart({ timeline }) {
  const most = Math.max(1, ...timeline.map((part) => part.longest ?? 0));
  const failed = timeline.reduce((sum, part) => sum + part.failed, 0);
  const x = (i) => (i / SLICES) * 300;
  return html`<figure class="chart"><svg viewBox="0 0 300 60" preserveAspectRatio="none" role="img"
    aria-label="longest answer of each moment, up to ${ms(most)}; ${failed} failed">
    ${timeline.map((part, i) => part.requests > 0 && html`<rect key=${i} x=${x(i) + 0.5} width="4"
      class=${part.failed ? "failed" : ""} height=${Math.max(1, ((part.longest ?? 0) / most) * 52)}
      y=${54 - Math.max(1, ((part.longest ?? 0) / most) * 52)} />`)}
    ${timeline.map((part, i) => part.in_rotation === false && html`<rect key="out ${i}" x=${x(i)}
      y="56" width="5" height="4" class="out" />`)}
  </svg><figcaption><span>longest ${ms(most)}</span>
    ${timeline.some((part) => part.in_rotation === false) && html`<span class="out-of-it">
      out of rotation</span>`}</figcaption></figure>`;
}

const after = (seconds) => (seconds == null ? "–" : ms(seconds * 1000));

function Report({ run }) {
  const { report } = run;
  const damage = report?.damage;
  return html`<article class="report"><header><h3 class=${KINDS[run.state]}>
      <span aria-hidden="true">${SHAPES[run.state]}</span> ${WORDS[run.state]}</h3>
      <span class="faint">${clock(run.began)}</span></header>
    <p><code>${run.command}</code></p>
    ${run.error && html`<pre tabindex="0">${run.error}</pre>`}
    ${report && html`<${Chart} timeline=${report.timeline} />
      <dl class="counts">
        <div><dt>sent</dt><dd>${report.requests.sent}</dd></div>
        <div><dt>failed</dt><dd class=${report.requests.failed ? "bad" : ""}>
          ${report.requests.failed}</dd></div>
        <div><dt>retried</dt><dd>${report.requests.retried ?? "–"}</dd></div>
        <div><dt>held</dt><dd>${report.requests.held ?? "–"}</dd></div>
        ${damage && html`<div><dt>left after</dt><dd>${after(damage.left_after)}</dd></div>
          <div><dt>back after</dt><dd>${after(damage.returned_after)}</dd></div>`}
      </dl>
      ${Object.keys(report.requests.failures).length > 0 && html`<ul class="failures">
        ${Object.entries(report.requests.failures).map(([why, count]) => html`
        <li key=${why}>${count} × ${why}</li>`)}</ul>`}
      <table class="phases"><caption class="unseen">Times of answers in each phase</caption>
        <thead><tr><th scope="col">Phase</th><th scope="col" class="number">Requests</th>
          <th scope="col" class="number">p50</th><th scope="col" class="number">p99</th>
          <th scope="col" class="number">Longest</th></tr></thead>
        <tbody>${Object.entries(report.latency).map(([name, phase]) => html`<tr key=${name}>
          <th scope="row">${name}</th><td class="number">${phase.requests}</td>
          ${["p50", "p99", "longest"].map((figure) => html`<td key=${figure} class="number">
            ${phase.requests ? ms(phase[figure]) : "–"}</td>`)}</tr>`)}</tbody></table>`}
  </article>`;
}

function Running({ run, progress, stop }) {
  const passed = progress?.passed ?? 0;
  return html`<section class="drill" aria-label="The drill that runs">
    <div class="row"><h2><span class="busy" aria-hidden="true">◐</span> ${run.service} is drilled</h2>
      <button type="button" class="danger" title="Ctrl-C" onClick=${stop}>Stop</button></div>
    <progress max=${run.duration} value=${passed} aria-label="of the drill">${passed} s</progress>
    <p>${passed.toFixed(1)} of ${run.duration} s: ${progress?.sent ?? 0} sent,
      <span class=${progress?.failed ? "bad" : ""}> ${progress?.failed ?? 0} failed</span>,
      longest ${ms(progress?.longest ?? 0)}</p>
    <${Chart} timeline=${progress?.timeline ?? []} />
    <ul class="said" aria-live="polite">${run.said.map((text, i) => html`<li key=${i}>${text}</li>`)}</ul>
  </section>`;
}

export function Drills({ live, place, go, start, stop }) {
  const rows = Object.values(live.ps);
  const names = [...new Set(rows.filter((row) => row.backend && !row.external && row.url)
    .map((row) => row.name))];
  const [more, setMore] = useState(() => ["at", "down_for", "path", "grpc", "allow_errors"]
    .some((name) => place.get(name)));
  const runs = Object.values(live.drills).reverse();
  if (!names.length && !runs.length) {
    return html`<${Empty} title="No service can be drilled"><p>A drill is for services that rpx starts
      and that have a host.</p><//>`;
  }
  const service = names.includes(place.get("service")) ? place.get("service") : names[0];
  const copies = rows.filter((row) => row.name === service && row.backend && !row.external);
  const body = bodyOf(place, service);
  const running = runs.find((run) => run.state === "running");
  const set = (name) => (event) => go({ [name]: event.target.value || null }, null, true);
  const field = (name, label, shown, attributes = {}) => html`<label key=${name}>${label}
    <input name=${name} value=${place.get(name) ?? ""} placeholder=${shown} onInput=${set(name)}
      ...${attributes} /></label>`;
  const number = (name, label, shown, max, step = 1, min = 0) => field(name, label, shown,
    { type: "number", min, max, step, inputmode: "decimal" });
  return html`<div class="drills">
    <form class="drill" aria-label="A new drill" onSubmit=${(event) => {
    event.preventDefault();
    start(commandOf(body), body);
  }}>
      <p>A drill sends a steady load to a service, damages one of its copies in the middle, and tells
        whether a request was lost.</p>
      <div class="fields-of-form">
        <label>Service <select name="service"
          onChange=${(event) => go({ service: event.target.value, backend: null }, null, true)}>
          ${names.map((each) => html`<option key=${each} selected=${each === service}>${each}
          </option>`)}</select></label>
        <label>One copy is <select name="damage"
          onChange=${(event) => go({ damage: event.target.value === "kill" ? null
    : event.target.value }, null, true)}>
          ${Object.entries(DAMAGE).map(([key, word]) => html`<option key=${key} value=${key}
            selected=${key === (body.damage ?? "kill")}>${word}
          </option>`)}</select></label>
        <label>Which <select name="backend" onChange=${set("backend")}>
          <option value="">one that others can stand in for</option>
          ${copies.map((row) => html`<option key=${row.label} value=${row.port}
            selected=${String(row.port) === body.backend}>${row.label}
          </option>`)}</select></label>
        ${number("rate", "Requests a second", "200", 20000, 1, 1)}
        ${number("duration", "Seconds", "10", 3600, "any", 0.1)}
        ${more && html`
          ${number("at", "Damage at second", "half of it", 3600, "any")}
          ${number("down_for", "Down or suspended for, seconds", "as usual", 3600, "any")}
          ${field("path", "Path", "/", { pattern: "/.*" })}
          ${number("allow_errors", "Requests that may fail", "0", 1000000)}
          <label class="tick"><input type="checkbox" name="grpc" checked=${body.grpc != null}
            onChange=${(event) => go({ grpc: event.target.checked ? "" : null }, null, true)} />
            Calls of grpc.health.v1</label>`}
      </div>
      ${!more && html`<button type="button" class="link accent" onClick=${() => setMore(true)}>
        When, for how long, which path</button>`}
      <div class="row"><${Command} text=${commandOf(body)} />
        <button type="submit" class="main-button" disabled=${!!running || !names.length}>
          ${running ? "One is running" : "Start the drill"}</button></div>
    </form>
    ${running && html`<${Running} run=${running} progress=${live.drilling[running.id]} stop=${stop} />`}
    ${runs.some((run) => run.state !== "running") && html`<section aria-labelledby="reports">
      <h2 id="reports">Last reports</h2><div class="reports">
      ${runs.filter((run) => run.state !== "running").map((run) => html`<${Report} key=${run.id}
        run=${run} />`)}</div></section>`}
  </div>`;
}
