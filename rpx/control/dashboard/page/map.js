// The map: hosts, routes, services and their copies, with lines as thick as what goes over them.

import { html } from "./vendor/htm-preact.js";
import { Dot, rate } from "./parts.js";

const ROW = 34; // pixels
const WIDE = 100; // of the lines between two columns, whatever they are in pixels

// What there is of each, with its place from the top in rows; lines go from one to the next.
function laidOut(rows, minute) {
  const names = new Set(rows.filter((row) => !row.does).map((row) => row.name));
  const services = new Map();
  const routes = new Map();
  const hosts = new Map();
  for (const row of rows) {
    // A route to the backends of another entry ends at those.
    const name = !row.does ? row.name : names.has(row.served_by) ? row.served_by : row.label;
    if (!services.has(name)) services.set(name, { name, copies: [], does: row.does, places: new Set() });
    const service = services.get(name);
    if (name === row.label || !row.does) service.copies.push(row);
    if (!row.does) service.does = null;
    if (!row.place) continue;
    service.places.add(row.place);
    if (routes.has(row.place)) continue;
    const [host, ...path] = row.place.split("/");
    const urls = [row.url, ...row.other_urls].filter(Boolean);
    routes.set(row.place, { place: row.place, path: path.length ? `/${path.join("/")}` : "/", urls,
      host: urls.length ? urls.map((url) => new URL(url.replace("*", "any")).host)[0] : host });
    for (const url of urls) {
      const key = url.replace(/^https?:\/\//, "").split("/")[0];
      if (!hosts.has(key)) hosts.set(key, { key, url: url.split("/").slice(0, 3).join("/"), places: [] });
      hosts.get(key).places.push(row.place);
    }
  }
  const flow = new Map();
  for (const [key, trend] of Object.entries(minute)) {
    const place = key.slice(0, key.lastIndexOf(" "));
    const sum = flow.get(place) ?? { rate: 0, errors: 0 };
    flow.set(place, { rate: sum.rate + trend.rate, errors: sum.errors + trend.errors });
  }
  let next = 0;
  for (const host of hosts.values()) {
    for (const place of host.places) {
      const route = routes.get(place);
      if (route.at == null) { route.at = next; next += 1; }
    }
  }
  const mean = (places) => places.reduce((sum, place) => sum + routes.get(place).at, 0) / places.length;
  let least = 0;
  for (const host of hosts.values()) {
    host.at = Math.max(least, mean(host.places));
    least = host.at + 1;
  }
  next = 0;
  const reached = [...services.values()].filter((each) => each.places.size);
  for (const each of reached) each.wanted = mean([...each.places]);
  reached.sort((a, b) => a.wanted - b.wanted);
  for (const each of reached) {
    each.at = Math.max(next, each.wanted);
    next = each.at + 1;
  }
  const alone = [...services.values()].filter((each) => !each.places.size);
  for (const each of alone) { each.at = Math.max(next, least); next = each.at + 1; }
  const high = Math.max(next, least, ...[...routes.values()].map((each) => each.at + 1));
  return { hosts: [...hosts.values()], routes: [...routes.values()], flow, high,
    services: [...reached, ...alone] };
}

function Line({ from, to, flow }) {
  const y1 = (from + 0.5) * ROW;
  const y2 = (to + 0.5) * ROW;
  const now = flow ?? { rate: 0, errors: 0 };
  const thick = now.rate > 0 ? Math.min(9, 1.5 + Math.log2(1 + now.rate)) : 1;
  const kind = now.errors > 0 ? "errors" : now.rate > 0 ? "busy-line" : "";
  return html`<path class=${kind} stroke-width=${thick}
    d="M0,${y1} C${WIDE / 2},${y1} ${WIDE / 2},${y2} ${WIDE},${y2}" />`;
}

const told = (flow) => {
  if (!flow || (!flow.rate && !flow.errors)) return "";
  return flow.errors ? `${rate(flow.rate)}/s, ${rate(flow.errors)}/s errors` : `${rate(flow.rate)}/s`;
};

function Lines({ high, label, children }) {
  return html`<svg class="lines" height=${high * ROW} viewBox="0 0 ${WIDE} ${high * ROW}"
    preserveAspectRatio="none" role="img" aria-label=${label}>${children}</svg>`;
}

const Name = ({ service }) => (service.does ? html`<span class="does" title=${service.does}>
  ${service.does}</span>` : html`<strong>${service.name}</strong>`);

// In its column it is the one with this number from the top.
const At = ({ at, number, kind, children }) => html`<li class="node ${kind}"
  style=${{ top: `${(at - number) * ROW}px` }}>${children}</li>`;

export function Map_({ rows, minute, choose }) {
  const { hosts, routes, services, flow, high } = laidOut(rows, minute);
  const routeOf = Object.fromEntries(routes.map((each) => [each.place, each]));
  const sumOf = (places) => places.reduce((sum, place) => {
    const one = flow.get(place) ?? { rate: 0, errors: 0 };
    return { rate: sum.rate + one.rate, errors: sum.errors + one.errors };
  }, { rate: 0, errors: 0 });
  const tall = { height: `${high * ROW}px` };
  const dots = (service) => html`<span class="dots">${service.copies.map((row) => html`
    <${Dot} key=${row.label} row=${row} choose=${choose} />`)}</span>`;
  const link = (host) => (host.url.includes("*") ? host.key
    : html`<a href=${host.url} target="_blank" rel="noreferrer">${host.key}</a>`);
  return html`<section class="map" aria-label="Hosts, routes, services and copies">
    <div class="graph">
      ${hosts.length > 0 && html`<h3>Hosts</h3><span></span><h3 class="after">Routes</h3>
        <span></span>`}
      <h3 class=${hosts.length ? "after" : "only"}>Services</h3>
      ${hosts.length > 0 && html`
      <ul style=${tall}>${hosts.map((host, i) => html`<${At} number=${i} key=${host.key} at=${host.at}
        kind="host">${link(host)}<//>`)}</ul>
      <${Lines} high=${high} label="lines from hosts to their routes">${hosts.flatMap((host) => (
    host.places.map((place) => html`<${Line} key="${host.key} ${place}" from=${host.at}
      to=${routeOf[place].at} flow=${flow.get(place)} />`)))}<//>
      <ul style=${tall}>${routes.map((route, i) => html`<${At} number=${i} key=${route.place} at=${route.at}
        kind="route"><code title=${route.place}>${route.path}</code><//>`)}</ul>
      <${Lines} high=${high} label="lines from routes to services">${services.flatMap((each) => (
    [...each.places].map((place) => html`<${Line} key="${place} ${each.name}"
      from=${routeOf[place].at} to=${each.at} flow=${flow.get(place)} />`)))}<//>`}
      <ul class=${hosts.length ? "" : "only"} style=${tall}>${services.map((each, i) => html`<${At} number=${i} key=${each.name} at=${each.at}
        kind="service"><${Name} service=${each} /> ${dots(each)}
        <span class="rate">${told(sumOf([...each.places]))}</span><//>`)}</ul>
    </div>
    <ul class="outline">${services.map((each) => html`<li key=${each.name}>
      <div><${Name} service=${each} /> ${dots(each)}
        <span class="rate">${told(sumOf([...each.places]))}</span></div>
      <div class="faint">${hosts.filter((host) => host.places.some((place) => each.places.has(place)))
    .map((host) => html`<span key=${host.key}>${link(host)} </span>`)}</div></li>`)}</ul>
  </section>`;
}
