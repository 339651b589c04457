// Logs: what all services print, by time.

import { html, useEffect, useState } from "./vendor/htm-preact.js";
import { batches, whileShown } from "./api.js";
import { Empty, Window, clock } from "./parts.js";

const KEPT = 20_000;
const LEVEL = /\b(?:level|lvl|severity)["']?[=:]\s*["']?(\w+)|^\W*(?:\S+ ){0,3}\[?(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL|PANIC)\]?\b/i;

export function levelOf(text) {
  const found = LEVEL.exec(text);
  const word = (found?.[1] ?? found?.[2] ?? "").toLowerCase();
  if (/^(error|fatal|critical|panic|err)$/.test(word)) return "error";
  if (/^warn/.test(word)) return "warn";
  return /^(debug|trace)$/.test(word) ? "debug" : word ? "info" : "";
}

const COLOURS = 6;

export function colourOf(label) {
  let sum = 0;
  for (const c of label) sum = (sum * 31 + c.codePointAt(0)) % 997;
  return sum % COLOURS;
}

// Sequences that colour terminals are of no use here.
const plain = (text) => text.replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");

export function Logs({ place, go, labels }) {
  const [lines, setLines] = useState([]);
  const [follow, setFollow] = useState(true);
  const only = place.get("only")?.split(",").filter(Boolean) ?? [];
  const search = place.get("q") ?? "";
  const level = place.get("level") ?? "";
  useEffect(() => {
    let last = 0;
    const work = async (signal) => {
      const from = last ? `since=${last}` : "tail=2000";
      for await (const batch of batches(`/v1/logs?follow=true&own=true&${from}`, signal)) {
        const found = [];
        for (const each of batch) {
          if (each.missed) {
            found.push({ label: each.label, at: last, text: `… ${each.missed} lines were too fast` });
          } else if (each.at > last || !last || found.length) {
            for (const text of each.text.split("\n")) {
              found.push({ label: each.label, at: each.at, text: plain(text) });
            }
          }
        }
        if (found.length) last = Math.max(last, found[found.length - 1].at);
        setLines((before) => [...before, ...found].slice(-KEPT));
      }
    };
    return whileShown(work);
  }, []);
  const wanted = search.toLowerCase();
  const shown = lines.filter((line) => (!only.length || only.includes(line.label))
    && (!level || levelOf(line.text) === level)
    && (!wanted || line.text.toLowerCase().includes(wanted)));
  const toggle = (label) => {
    const next = only.includes(label) ? only.filter((each) => each !== label) : [...only, label];
    go({ only: next.join(",") || null });
  };
  const render = (line, index) => html`<div key=${index} class="line-of-log ${levelOf(line.text)}">
    <button type="button" class="link time" title="requests of this moment"
      onClick=${() => go({}, "/requests")}>${clock(line.at)}</button>
    <span class="label colour-${colourOf(line.label)}">${line.label}</span>
    <span class="text">${line.text}</span></div>`;
  return html`<div class="main-part">
    <div class="bar">
      <label class="grow"><span class="unseen">Search</span><input id="filter" type="search"
        placeholder="Search" value=${search}
        onInput=${(event) => go({ q: event.target.value || null }, null, true)} /></label>
      <label><span class="unseen">Level</span><select value=${level}
        onChange=${(event) => go({ level: event.target.value || null })}>
        <option value="">all levels</option><option>error</option><option>warn</option>
        <option>info</option><option>debug</option></select></label>
      <label class="check"><input type="checkbox" checked=${follow}
        onChange=${() => setFollow(!follow)} /> follow</label>
    </div>
    <div class="chips" role="group" aria-label="Services">
      ${["rpx", ...labels].map((label) => html`<button type="button" key=${label}
        class="chip colour-${colourOf(label)}" aria-pressed=${only.includes(label)}
        onClick=${() => toggle(label)}>${label}</button>`)}</div>
    ${shown.length ? html`<${Window} rows=${shown} height=${22} follow=${follow} render=${render}
      label="Output, newest last" onScroll=${(end) => !end && follow && setFollow(false)} />`
    : html`<${Empty} title=${lines.length ? "No line is like that" : "Nothing was printed yet"} />`}
  </div>`;
}
