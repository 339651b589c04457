// The body of a request or an answer, as it is read best: a tree, a picture, text, or bytes.

import { html, useEffect, useMemo, useState } from "./vendor/htm-preact.js";
import { bytes } from "./parts.js";

const MANY = 100; // members of one level, until more are asked for
const LINES = 4096; // of sixteen bytes: all that is ever kept
const PACKED = { gzip: "gzip", "x-gzip": "gzip", deflate: "deflate" };

const fieldOf = (message, wanted) => message.headers
  .find(([name]) => name.toLowerCase() === wanted)?.[1] ?? "";

function bytesOf(message) {
  if (message.encoding === "base64") return Uint8Array.from(atob(message.body), (c) => c.charCodeAt(0));
  return new TextEncoder().encode(message.body);
}

// What is left when its packing is taken off; of a beginning the beginning.
async function unpacked(data, how) {
  const stream = new Blob([data]).stream().pipeThrough(new DecompressionStream(how));
  const found = [];
  let size = 0;
  try {
    for (const reader = stream.getReader(); size < 4 << 20;) {
      const { value, done } = await reader.read();
      if (done) break;
      found.push(value);
      size += value.length;
    }
  } catch { /* its end was not kept */ }
  const all = new Uint8Array(size);
  let at = 0;
  for (const part of found) { all.set(part, at); at += part.length; }
  return all;
}

// The text of bytes; null if they are none. Of a beginning, a character that was cut off is none.
function textOf(data, whole) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(data, { stream: !whole });
    return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? null : text;
  } catch { return null; }
}

// Numbers that JavaScript would round stay as they were written.
function parsed(text) {
  try {
    return { value: JSON.parse(text, (_, value, context) => (typeof value === "number"
      && context?.source && String(value) !== context.source ? new Written(context.source) : value)) };
  } catch { return null; }
}

class Written {
  constructor(text) { this.text = text; }
}

const kindOf = (value) => (value === null ? "null" : typeof value);

function Leaf({ value }) {
  if (value instanceof Written) return html`<span class="json-number">${value.text}</span>`;
  return html`<span class="json-${kindOf(value)}">${JSON.stringify(value)}</span>`;
}

function Tree({ name, value, depth }) {
  const [most, setMost] = useState(MANY);
  const title = name != null && html`<span class="json-name">${name}</span>: `;
  if (value === null || typeof value !== "object" || value instanceof Written) {
    return html`<div class="json-row">${title}<${Leaf} value=${value} /></div>`;
  }
  const list = Array.isArray(value);
  const members = list ? value.map((each, i) => [i, each]) : Object.entries(value);
  const [open, close] = list ? "[]" : "{}";
  if (!members.length) return html`<div class="json-row">${title}${open}${close}</div>`;
  const some = members.length === 1 ? "1 member" : `${members.length} members`;
  return html`<details class="json" open=${depth < 2}>
    <summary>${title}${open}<span class="faint"> ${some} </span>${close}</summary>
    ${members.slice(0, most).map(([key, each]) => html`<${Tree} key=${key} name=${key} value=${each}
      depth=${depth + 1} />`)}
    ${members.length > most && html`<button type="button" class="quiet"
      onClick=${() => setMost(most + 10 * MANY)}>${members.length - most} more</button>`}</details>`;
}

function hex(data) {
  const lines = [];
  for (let at = 0; at < data.length && lines.length < LINES; at += 16) {
    const part = [...data.subarray(at, at + 16)];
    const numbers = part.map((b) => b.toString(16).padStart(2, "0")).join(" ").padEnd(47);
    const seen = part.map((b) => (b > 31 && b < 127 ? String.fromCharCode(b) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${numbers}  ${seen}`);
  }
  return lines.join("\n");
}

function NotKept({ size }) {
  return html`<div class="not-kept"><p>${bytes(size)}, not kept: nobody looked when it went through.</p>
    <p class="faint">Bodies are kept while this page or <code>rpx requests -f</code> is open. In
      rpx.yaml <code>requests: {bodies: 64kb}</code> keeps them always.</p></div>`;
}

// `picture` is where an image can be had, as nothing else than its bytes.
export function Body({ message, of, picture }) {
  const type = fieldOf(message, "content-type");
  const packing = fieldOf(message, "content-encoding").toLowerCase();
  const [data, setData] = useState(null);
  const [wish, setWish] = useState(null);
  const there = message.body != null;
  useEffect(() => {
    let current = true;
    setData(null);
    setWish(null);
    if (!there) return undefined;
    const raw = bytesOf(message);
    if (PACKED[packing] && raw.length) {
      unpacked(raw, PACKED[packing]).then((found) => current && setData(found));
    } else setData(raw);
    return () => { current = false; };
  }, [message]);
  const text = useMemo(() => data && textOf(data, message.kept === message.size), [data]);
  const json = useMemo(() => (text && (/json/i.test(type) || /^\s*[[{]/.test(text)) ? parsed(text) : null), [text]);
  if (!there) return message.size ? html`<${NotKept} size=${message.size} />` : html`<p class="faint">no body</p>`;
  if (!data) return null;
  if (!message.size) return html`<p class="faint">no body</p>`;
  const image = /^image\/(?:png|jpeg|gif|webp|avif|bmp)\b/.test(type) && message.kept === message.size && picture;
  const forms = [image && "picture", json && "tree", text != null && "text", "hex"].filter(Boolean);
  const form = forms.includes(wish) ? wish : forms[0];
  const whole = message.kept < message.size
    ? `the first ${bytes(message.kept)} of ${bytes(message.size)}` : bytes(message.size);
  return html`<div class="body">
    <div class="body-bar"><span class="faint">${[type.split(";")[0], whole, packing].filter(Boolean).join(" · ")}</span>
      <span class="forms" role="group" aria-label="How the body of the ${of} is shown">
        ${forms.map((each) => html`<button type="button" key=${each} class="quiet"
          aria-pressed=${each === form} onClick=${() => setWish(each)}>${each}</button>`)}</span></div>
    ${form === "picture" ? html`<img class="picture" src=${picture} alt="The body of the ${of}" />`
    : form === "tree" ? html`<div class="tree" tabindex="0" role="group" aria-label="Body of the ${of}">
        <${Tree} value=${json.value} depth=${0} /></div>`
      : html`<pre tabindex="0" class=${form} aria-label="Body of the ${of}">${form === "hex" ? hex(data) : text}</pre>`}
  </div>`;
}
