// The requests that a page has been told of: the last ones, in little memory.

import { useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { batches, whileShown } from "./api.js";

const KEPT = 100_000;
const SPARE = 2_000; // rows that may be too many, so that they aren't moved for each one
const AT_ONCE = 40; // rows of a quarter of a second: nobody reads more, and each costs the proxy time

// What rows say again and again is kept once.
class Words {
  #known = new Map();

  of(text) {
    if (typeof text !== "string") return text;
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size > 5_000) this.#known.clear();
    this.#known.set(text, text);
    return text;
  }
}

export class Passed {
  rows = [];
  noise = 0;
  cursor = null;
  #words = new Words();

  take(batch) {
    for (const told of batch) {
      if (told.left_out) this.noise += told.left_out;
      if (told.missed) this.rows.push({ missed: told.missed, id: `missed-${this.cursor}`, time: 0 });
      if (!told.id) continue;
      if (told.cursor) this.cursor = told.cursor;
      this.rows.push(this.#small(told));
    }
    if (this.rows.length > KEPT + SPARE) this.rows.splice(0, this.rows.length - KEPT);
  }

  #small(row) {
    const same = (text) => this.#words.of(text);
    return {
      id: row.id, time: row.time, status: row.status, ms: row.ms, held: row.held_ms > 0,
      tries: row.tries, method: same(row.method), host: same(row.host), path: same(row.path),
      query: same(row.query), label: same(row.label), route: same(row.route),
      client: same(row.client), type: same(row.type), protocol: same(row.protocol),
      upgrade: same(row.upgrade), going: row.under_way, request: row.request_id === row.id ? "" : row.request_id,
    };
  }
}

// [what was told of, what is wrong with the filter, whether it has begun]
export function usePassed(filter, noisy) {
  const store = useRef(new Passed());
  const [wrong, setWrong] = useState(null);
  const [version, tick] = useState(0);
  useEffect(() => {
    const passed = new Passed();
    store.current = passed;
    setWrong(null);
    tick(0);
    const words = filter.split(/\s+/).filter(Boolean)
      .map((word) => `&filter=${encodeURIComponent(word)}`).join("");
    return whileShown(async (signal) => {
      try {
        const from = passed.cursor ? `after=${encodeURIComponent(passed.cursor)}` : "tail=2000";
        const asked = `/v1/requests?follow=true&at_once=${AT_ONCE}&noise=${noisy}&${from}${words}`;
        tick((n) => n + 1);
        for await (const batch of batches(asked, signal)) {
          passed.take(batch);
          tick((n) => n + 1);
        }
      } catch (error) {
        if (error.status === 404 || error.status === 422) {
          setWrong(error);
          await new Promise((resolve) => signal.addEventListener("abort", resolve));
        }
        if (error.status === 409) passed.cursor = null; // the project was started anew
        throw error;
      }
    });
  }, [filter, noisy]);
  return [store.current, wrong, version];
}
