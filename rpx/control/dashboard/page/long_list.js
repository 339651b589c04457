// A long list of rows of one height, of which only those are made that can be seen.

import { html, useEffect, useLayoutEffect, useRef, useState } from "./vendor/htm-preact.js";

const TALLEST = 16_000_000; // pixels; browsers draw nothing beyond 33 million
const AROUND = 8; // rows above and below what is seen

// `count` rows, the one at a place made by `render(place)`. `follow`: it stays at its end, until
// somebody goes up (`onFollow`). `onSeen(first, last)` says which rows are shown. `goTo`: {place}
// has that row shown.
export function LongList({ count, height, render, follow, onFollow, onSeen, goTo, label, role = "log" }) {
  const box = useRef();
  const [top, setTop] = useState(0);
  const [seen, setSeen] = useState(600);
  const own = useRef(-1); // where the list has scrolled itself to: no wish of a reader
  const whole = Math.min(count * height, TALLEST);
  const most = Math.max(0, count * height - seen); // as if nothing had a limit
  const real = Math.max(1, whole - seen);
  const factor = whole < count * height ? most / real : 1;
  const place = (pixels) => { own.current = Math.round(pixels); box.current.scrollTop = own.current; };

  useEffect(() => {
    const watch = new ResizeObserver(() => setSeen(box.current?.clientHeight || 600));
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (follow) place(Math.max(0, whole - seen));
  }, [count, follow, seen]);
  useLayoutEffect(() => {
    if (goTo) place(Math.max(0, (goTo.place * height - seen / 2) / factor));
  }, [goTo]);

  const virtual = Math.min(most, top * factor);
  const first = Math.max(0, Math.floor(virtual / height) - AROUND);
  const last = Math.min(count, Math.ceil((virtual + seen) / height) + AROUND);
  useEffect(() => onSeen?.(first, last), [first, last, count]);

  const moved = (event) => {
    const { scrollTop, scrollHeight, clientHeight } = event.target;
    setTop(scrollTop);
    const mine = Math.abs(scrollTop - own.current) < 2;
    if (mine) return;
    own.current = -1;
    const atEnd = scrollHeight - scrollTop - clientHeight < 2;
    if (atEnd !== follow) onFollow?.(atEnd);
  };
  const rows = [];
  for (let at = first; at < last; at += 1) rows.push(render(at));
  const shift = first * height - virtual + top;
  return html`<div class="window" ref=${box} onScroll=${moved} tabindex="0" role=${role}
    aria-label=${label} aria-live="off">
    <div class="spacer" role="presentation" ref=${(e) => e && (e.style.height = `${whole}px`)}>
      <div role="presentation" ref=${(e) => e && (e.style.transform = `translateY(${shift}px)`)}>
        ${rows}</div></div></div>`;
}
