// The other projects that run on this machine, as tabs, and the page with all names.

import { html } from "./vendor/htm-preact.js";
import { post } from "./api.js";

const KINDS = { ready: "good", failing: "bad", starting: "busy", stopping: "busy" };
const SHAPES = { ready: "●", failing: "▲", starting: "◐", stopping: "◑" };

// Behind the machine's door it is at the name below which all dashboards are.
const machine = () => (location.hostname.endsWith(".rpx.localhost")
  ? `${location.protocol}//rpx.localhost${location.port && `:${location.port}`}/` : null);

export function Projects({ projects, tell }) {
  const all = Object.entries(projects);
  const page = machine();
  if (all.length < 2 && !page) return null;
  const go = (file, name) => tell(`rpx open --dashboard -f ${file}`, async () => {
    const { url } = await post("/other", { file });
    location.assign(url);
    return [`to ${name}`, false];
  });
  return html`<nav class="projects" aria-label="Projects">
    ${all.map(([file, { name, realm, state, here }]) => {
    const title = realm && realm !== name ? `${name} (${realm})` : name;
    const shape = state && html`<span class=${KINDS[state] ?? "idle"} aria-hidden="true">
      ${SHAPES[state] ?? "○"}</span>`;
    const word = state && state !== "ready" ? ` – ${state}` : "";
    return here ? html`<span key=${file} aria-current="page" title=${file}>${shape} ${title}${word}</span>`
      : html`<button type="button" key=${file} title=${file}
        onClick=${() => go(file, title)}>${shape} ${title}${word}</button>`;
  })}
    ${page && html`<a class="all" href=${page}>All names of this machine</a>`}
  </nav>`;
}
