// Requests: the live table, and the drawer with all about one of them.

import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { batches, get, whileShown } from "./api.js";
import { Command, Empty, Window, bytes, clock, ms } from "./parts.js";

const KEPT = 5000;
const WORDS = ["status:", "method:", "host:", "path:", "ms:>", "backend:", "held", "retried", "-path:"];
const ASSET = /\.(?:css|m?js|map|png|jpe?g|gif|svg|webp|avif|ico|woff2?|ttf)$/;
const HMR = /^\/(?:@vite|@id\/|@fs\/|@react-refresh|node_modules\/|_next\/webpack-hmr|__webpack_hmr|sockjs-node|ws$)/;

export const isNoise = (row) => ASSET.test(row.path) || HMR.test(row.path);

const kind = (row) => {
  if (row.status == null) return "bad";
  if (row.status >= 500) return "bad";
  return row.status >= 400 ? "busy" : "good";
};

function useRequests(filter) {
  const [rows, setRows] = useState([]);
  const [wrong, setWrong] = useState(null);
  useEffect(() => {
    let cursor = null;
    setRows([]);
    setWrong(null);
    const words = filter.split(/\s+/).filter(Boolean)
      .map((word) => `filter=${encodeURIComponent(word)}`).join("&");
    const work = async (signal) => {
      try {
        const from = cursor ? `after=${encodeURIComponent(cursor)}` : "tail=500";
        for await (const batch of batches(`/v1/requests?follow=true&${from}&${words}`, signal)) {
          const found = batch.filter((row) => row.id);
          const last = found.findLast((row) => row.cursor);
          if (last) cursor = last.cursor;
          setRows((before) => [...before, ...found].slice(-KEPT));
        }
      } catch (error) {
        if (error.status === 404 || error.status === 422) {
          setWrong(error);
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        }
        if (error.status === 409) cursor = null;
        throw error;
      }
    };
    return whileShown(work);
  }, [filter]);
  return [rows, wrong];
}

export function Requests({ place, go }) {
  const filter = place.get("q") ?? "";
  const [typed, setTyped] = useState(filter);
  const [follow, setFollow] = useState(true);
  const [rows, wrong] = useRequests(filter);
  const noisy = place.get("noise") === "1";
  const shown = noisy ? rows : rows.filter((row) => !isNoise(row));
  const chosen = place.get("id");
  useEffect(() => setTyped(filter), [filter]);
  useEffect(() => {
    const step = (event) => {
      if (event.target.closest("input, select, textarea") || event.ctrlKey || event.metaKey) return;
      const at = shown.findIndex((row) => row.id === chosen);
      const next = { j: at + 1, k: at < 0 ? shown.length - 1 : at - 1 }[event.key];
      if (next != null && shown[next]) go({ id: shown[next].id });
      if (event.key === "Escape" && chosen) go({ id: null });
    };
    document.addEventListener("keydown", step);
    return () => document.removeEventListener("keydown", step);
  });
  const line = (row) => html`<div key=${row.id} class="request ${row.id === chosen ? "chosen" : ""}"
    role="row" onClick=${() => go({ id: row.id })}>
    <span role="cell">${clock(row.time)}</span>
    <span role="cell" class=${kind(row)}>${row.status ?? "none"}</span>
    <span role="cell">${row.method}</span>
    <span role="cell" class="wide"><button type="button" class="link"
      onClick=${() => go({ id: row.id })}>${row.host}${row.path}${row.query ? `?${row.query}` : ""}
    </button></span>
    <span role="cell" class="number">${ms(row.ms)}</span>
    <span role="cell" class="faint">${row.label ?? "rpx"}${row.tries > 1 ? ` (${row.tries} tries)` : ""}
      ${row.held_ms > 0 ? " held" : ""}</span></div>`;
  return html`<div class="with-drawer"><div class="main-part">
    <form class="bar" onSubmit=${(event) => { event.preventDefault(); go({ q: typed || null }); }}>
      <label class="grow"><span class="unseen">Filter</span>
        <input id="filter" list="words" value=${typed} autocomplete="off" spellcheck="false"
          placeholder="status:5xx  method:POST  path:/api/*  ms:>200  held"
          onInput=${(event) => setTyped(event.target.value)} /></label>
      <datalist id="words">${WORDS.map((word) => html`<option value=${word} />`)}</datalist>
      <button type="submit">Filter</button>
      <label class="check"><input type="checkbox" checked=${noisy}
        onChange=${() => go({ noise: noisy ? null : "1" })} />
        assets and HMR (${rows.length - rows.filter((row) => !isNoise(row)).length})</label>
      <label class="check"><input type="checkbox" checked=${follow}
        onChange=${() => setFollow(!follow)} /> follow</label>
    </form>
    ${wrong && html`<p class="mistake" role="alert">${wrong.message}
      ${wrong.hint && html`<span class="hint">${wrong.hint}</span>`}</p>`}
    <div class="requests" role="table" aria-label="Requests">
    <div class="request head" role="row">
      <span role="columnheader">Time</span><span role="columnheader">Status</span>
      <span role="columnheader">Method</span><span role="columnheader" class="wide">URL</span>
      <span role="columnheader" class="number">Took</span>
      <span role="columnheader">Answered by</span></div>
    ${shown.length ? html`<${Window} rows=${shown} height=${30} follow=${follow} render=${line}
      role="rowgroup" label="newest last" onScroll=${(end) => !end && follow && setFollow(false)} />`
    : html`<${Empty} title="No requests yet"><p>Ask one of your hosts, and it stands here.</p><//>`}
    </div>
  </div>
  ${chosen && html`<${Drawer} id=${chosen} close=${() => go({ id: null })} />`}</div>`;
}

function Message({ title, message }) {
  let body = message.body;
  const type = message.headers.find(([name]) => name.toLowerCase() === "content-type")?.[1] ?? "";
  if (body != null && !message.encoding && /json/.test(type)) {
    try { body = JSON.stringify(JSON.parse(body), null, 2); } catch { /* as it came */ }
  }
  return html`<section class="message"><h3>${title}</h3>
    <table class="fields"><caption class="unseen">Fields of the ${title}</caption><tbody>
      ${message.headers.map(([name, value]) => html`<tr><th scope="row">${name}</th>
        <td>${value}</td></tr>`)}</tbody></table>
    ${body == null
    ? html`<p class="faint">${message.size ? `${bytes(message.size)}, not kept: bodies are kept
      while this page is open, or with requests: {bodies: 64kb}` : "no body"}</p>`
    : html`<pre tabindex="0">${message.encoding ? atobLines(body) : body}</pre>
      ${message.kept < message.size && html`<p class="faint">the first ${bytes(message.kept)} of
        ${bytes(message.size)}</p>`}`}</section>`;
}

function atobLines(text) {
  const data = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const lines = [];
  for (let at = 0; at < data.length; at += 16) {
    const part = [...data.slice(at, at + 16)];
    const hex = part.map((b) => b.toString(16).padStart(2, "0")).join(" ").padEnd(47);
    const seen = part.map((b) => (b > 31 && b < 127 ? String.fromCharCode(b) : ".")).join("");
    lines.push(`${at.toString(16).padStart(6, "0")}  ${hex}  ${seen}`);
  }
  return lines.join("\n");
}

function Drawer({ id, close }) {
  const [found, setFound] = useState(null);
  const [wrong, setWrong] = useState(null);
  const box = useRef();
  useEffect(() => {
    let current = true;
    setWrong(null);
    get(`/v1/requests/${encodeURIComponent(id)}`)
      .then((each) => current && setFound(each)).catch((error) => current && setWrong(error));
    return () => { current = false; };
  }, [id]);
  useEffect(() => box.current?.focus(), []);
  const parts = found ? [["held", found.held_ms], ["connecting", found.connect_ms],
    ["waiting", Math.max(0, (found.first_ms ?? found.ms) - found.held_ms - found.connect_ms)],
    ["answering", Math.max(0, found.ms - (found.first_ms ?? found.ms))]] : [];
  return html`<aside class="drawer" ref=${box} tabindex="-1" aria-label="Request ${id}">
    <button type="button" class="close" onClick=${close} aria-label="Close">✕</button>
    ${wrong && html`<p class="mistake" role="alert">${wrong.message}
      <span class="hint">${wrong.hint}</span></p>`}
    ${found && html`
      <h2>${found.method} ${found.path}</h2>
      <p><span class=${kind(found)}>${found.status ?? "no answer"}</span>
        ${` · ${ms(found.ms)} · ${found.protocol} · ${found.client}`}</p>
      ${found.explained.map((each) => html`<p class="explained">${each}</p>`)}
      <section><h3>Time</h3><ul class="times">
        ${parts.map(([name, took]) => html`<li key=${name}><span>${name}</span>
          <meter min="0" max=${Math.max(found.ms, 0.001)} value=${took}></meter>
          <span class="number">${ms(took)}</span></li>`)}</ul></section>
      ${found.tried.length > 0 && html`<section><h3>Tries</h3><ol class="tries">
        ${found.tried.map((each) => html`<li>${each.label || each.backend}
          <span class="faint">${each.pid ? ` pid ${each.pid}` : ""}</span>
          ${` ${each.outcome}, ${ms(each.ms)}`}</li>`)}</ol></section>`}
      ${found.lines.length > 0 && html`<section><h3>Printed meanwhile</h3>
        <pre tabindex="0">${found.lines.join("\n")}</pre></section>`}
      <${Message} title="request" message=${found.request} />
      <${Message} title="answer" message=${found.response} />
      <section><h3>The same, typed</h3>
        <${Command} text=${`rpx request ${id}`} /><${Command} text=${`rpx request ${id} --curl`} />
        <${Command} text=${`rpx replay ${id}`} /></section>`}
  </aside>`;
}
