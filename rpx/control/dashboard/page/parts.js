// What several screens are made of.

import { html, useState } from "./vendor/htm-preact.js";

const SHAPES = {
  ready: "●", completed: "✓", starting: "◐", waiting: "◌", stopping: "◑", draining: "◑",
  backoff: "↻", unhealthy: "▲", failed: "✕", stopped: "○", paused: "‖",
};
const KINDS = {
  ready: "good", completed: "good", starting: "busy", waiting: "busy", stopping: "busy",
  draining: "busy", backoff: "bad", unhealthy: "bad", failed: "bad",
};

export const kindOf = (row) => (row.state === "ready" && !row.in_rotation && row.backend
  ? "idle" : KINDS[row.state] ?? "idle");

export const wordOf = (row) => (row.state === "ready" && !row.in_rotation && row.backend
  ? "paused" : row.state);

export function State({ row }) {
  const word = wordOf(row);
  return html`<span class="state ${kindOf(row)}">
    <span class="shape" aria-hidden="true">${SHAPES[word] ?? "○"}</span> ${word}</span>`;
}

export const Dot = ({ row, choose }) => html`<button type="button" class="dot ${kindOf(row)}"
  title="${row.label}: ${wordOf(row)}" aria-label="${row.label}: ${wordOf(row)}"
  onClick=${() => choose(row.label)}><span aria-hidden="true">${SHAPES[wordOf(row)] ?? "○"}</span>
  </button>`;

// Lines over the same time, each with a value for each part of it; null: there is none.
export function Spark({ lines, label }) {
  const most = Math.max(1e-9, ...lines.flat().map((point) => point ?? 0));
  const path = (points) => {
    const step = 100 / Math.max(1, points.length - 1);
    let pen = "M";
    return points.map((point, i) => {
      if (point == null) { pen = "M"; return ""; }
      const mark = `${pen}${(i * step).toFixed(1)},${(19 - (point / most) * 18).toFixed(1)}`;
      // A value between two gaps is a dot.
      const alone = pen === "M" && points[i + 1] == null ? "h0.1" : "";
      pen = "L";
      return mark + alone;
    }).join("");
  };
  return html`<svg class="spark" viewBox="0 0 100 20" preserveAspectRatio="none" role="img"
    aria-label=${label}>${lines.map((points, i) => html`<path key=${i} d=${path(points)} />`)}</svg>`;
}

export const Empty = ({ title, children }) => html`<div class="empty">
  <p class="empty-title">${title}</p>${children}</div>`;

// A sentence of rpx's: what stands in backticks is typed.
export const Words = ({ text }) => (text ?? "").split("`").map((part, i) => (
  i % 2 ? html`<code>${part}</code>` : part));

export function Command({ text }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(text).catch(() => {});
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return html`<span class="command"><code>${text}</code>
    <button type="button" class="quiet" onClick=${copy}>${copied ? "copied" : "copy"}</button></span>`;
}

export function bytes(count) {
  if (count == null) return "–";
  const units = ["B", "KB", "MB", "GB"];
  let unit = 0;
  for (; count >= 1000 && unit < 3; unit += 1) count /= 1024;
  return `${unit && count < 100 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

export function ms(value) {
  if (value == null) return "–";
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}

export const rate = (value) => (value >= 100 ? String(Math.round(value)) : value.toFixed(1));

export function ago(since, now = Date.now() / 1000) {
  const s = Math.max(0, Math.round(now - since));
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d`;
}

export const clock = (at) => new Date(at * 1000).toLocaleTimeString("en-GB");
