// Drills: a rehearsed failure, as the command that rehearses it.

import { html, useState } from "./vendor/htm-preact.js";
import { Command, Empty } from "./parts.js";

const DAMAGE = { kill: "killed", stop: "asked to stop", hang: "suspended for a while", slow: "slowed down" };

export function Drills({ rows }) {
  const names = [...new Set(rows.filter((row) => row.backend).map((row) => row.name))];
  const [name, setName] = useState("");
  const [damage, setDamage] = useState("kill");
  const [copy, setCopy] = useState("");
  const [rate, setRate] = useState(200);
  const [duration, setDuration] = useState(10);
  if (!names.length) return html`<${Empty} title="No service has backends to be drilled" />`;
  const chosen = name || names[0];
  const copies = rows.filter((row) => row.name === chosen && row.backend);
  const words = ["rpx", "drill", chosen];
  if (damage !== "kill" || copy) words.push(`--${damage}`, ...(copy ? [copy] : []));
  if (+rate !== 200) words.push("--rate", rate);
  if (+duration !== 10) words.push("--duration", `${duration}s`);
  return html`<form class="drill" onSubmit=${(event) => event.preventDefault()}>
    <p>A drill sends a steady load to a service, damages one of its copies in the middle, and tells
      whether a request was lost. Type its command in the folder of the project:</p>
    <div class="fields-of-form">
      <label>Service <select value=${chosen} onChange=${(event) => setName(event.target.value)}>
        ${names.map((each) => html`<option key=${each}>${each}</option>`)}</select></label>
      <label>One copy is <select value=${damage}
        onChange=${(event) => setDamage(event.target.value)}>
        ${Object.entries(DAMAGE).map(([key, word]) => html`<option key=${key} value=${key}>${word}
        </option>`)}</select></label>
      <label>Which <select value=${copy} onChange=${(event) => setCopy(event.target.value)}>
        <option value="">whichever others can stand in for</option>
        ${copies.map((row) => html`<option key=${row.label} value=${row.port}>${row.label}
        </option>`)}</select></label>
      <label>Requests a second <input type="number" min="1" max="20000" value=${rate}
        onInput=${(event) => setRate(event.target.value)} /></label>
      <label>Seconds <input type="number" min="1" max="3600" value=${duration}
        onInput=${(event) => setDuration(event.target.value)} /></label>
    </div>
    <${Command} text=${words.join(" ")} />
  </form>`;
}
