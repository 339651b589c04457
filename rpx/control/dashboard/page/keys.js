// What keys do, and the list of them.

import { html, useEffect, useRef } from "./vendor/htm-preact.js";

const KEYS = [["n r l d", "the four screens"], ["j k", "down, up"], ["Enter", "open what is chosen"],
  ["x", "restart what is chosen"], ["/", "filter"], ["Esc", "close, leave a field"], ["?", "this list"]];

// `keys`: key → what it does; false from it: nothing, so that the browser does what it would.
export function useKeys(keys) {
  useEffect(() => {
    const pressed = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (document.querySelector("dialog[open]")) return;
      if (event.target.closest("input, select, textarea")) {
        if (event.key === "Escape") event.target.blur();
        return;
      }
      if (event.key === "Enter" && event.target.closest("a, button, summary")) return;
      if (keys[event.key] && keys[event.key]() !== false) event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  });
}

export function Keys({ close }) {
  const box = useRef();
  useEffect(() => box.current.showModal(), []);
  const pressed = (event) => { if (event.key === "?") box.current.close(); };
  return html`<dialog class="keys" ref=${box} aria-labelledby="keys" onClose=${close} onKeyDown=${pressed}>
    <div class="row"><h2 id="keys">Keys</h2>
      <button type="button" class="quiet" aria-label="Close" onClick=${() => box.current.close()}>✕</button></div>
    <dl>${KEYS.map(([key, what]) => html`<div key=${key}><dt>${key.split(" ").map((one) => html`
      <kbd key=${one}>${one}</kbd> `)}</dt><dd>${what}</dd></div>`)}</dl></dialog>`;
}
