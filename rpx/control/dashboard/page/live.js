// How the project is: what the stream says, merged. It says all once, then what has changed.

import { useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { events, whileShown } from "./api.js";

const PARTS = ["ps", "cpu", "stats", "minute", "why", "drills", "drilling", "projects"];
const NOTHING = Object.fromEntries(PARTS.map((name) => [name, {}]));

function merged(before, { order, set }) {
  if (!order) return { ...before, ...set };
  return Object.fromEntries(order.map((key) => [key, set[key] ?? before[key]]));
}

// [how: whether it is live, parts: each as an object]; the object of `ps` is in the order of rows.
export function useLive() {
  const [live, setLive] = useState(NOTHING);
  const [how, setHow] = useState("coming");
  const seen = useRef(null);
  useEffect(() => whileShown(async (signal) => {
    const after = seen.current ? `?after=${seen.current}` : "";
    for await (const [name, data, id] of events(`/live${after}`, signal)) {
      if (name === "end") {
        setHow("end");
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        return;
      }
      setHow("live");
      if (id) seen.current = id;
      setLive((before) => ({ ...before, [name]: merged(before[name] ?? {}, data) }));
    }
  }, (word) => word !== "live" && setHow(word)), []);
  return [how, live];
}
