// Output as one long list, of which the page has what is seen: windows that the project is asked for.

import { useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { get, whileShown } from "./api.js";

const BLOCK = 200; // lines that are asked for at once
const KEPT = 40; // blocks

class Blocks {
  begin = 0;
  end = 0;
  counted = 0;
  #blocks = new Map();

  take(told) {
    if (told.counted < 1 || this.counted < 1) this.#blocks.clear(); // numbers begin elsewhere
    this.begin = told.begin;
    this.end = told.end;
    this.counted = told.counted;
    told.lines.forEach((line, i) => {
      const number = told.first + i;
      const key = Math.floor(number / BLOCK);
      const block = this.#blocks.get(key) ?? [];
      this.#blocks.delete(key);
      this.#blocks.set(key, block);
      block[number % BLOCK] = line;
    });
    for (const key of this.#blocks.keys()) {
      if (this.#blocks.size <= KEPT) break;
      this.#blocks.delete(key);
    }
  }

  line(number) { return this.#blocks.get(Math.floor(number / BLOCK))?.[number % BLOCK]; }

  // The first of some lines that isn't here; null if all are.
  missing(first, last) {
    for (let number = Math.max(first, this.begin); number < Math.min(last, this.end); number += 1) {
      if (!this.line(number)) return number;
    }
    return null;
  }
}

// [blocks, what is wrong with the choice, onSeen(first, last)]. `choice` is what stands behind the ?.
export function useLogs(choice, follow) {
  const blocks = useRef(new Blocks());
  const following = useRef(follow);
  const seen = useRef([0, 0]);
  const asking = useRef(false);
  const signal = useRef(null);
  const [wrong, setWrong] = useState(null);
  const [, tick] = useState(0);
  following.current = follow;

  const fill = async () => {
    if (asking.current) return;
    const mine = blocks.current;
    asking.current = true;
    try {
      for (let at; (at = mine.missing(...seen.current)) != null && mine === blocks.current;) {
        const first = Math.max(mine.begin, at - (at % BLOCK));
        const told = await get(`/v1/logs/window?first=${first}&count=${BLOCK}${choice}`, signal.current);
        mine.take(told);
        tick((n) => n + 1);
        if (at >= mine.begin && !mine.line(at)) break; // nobody has it
      }
    } catch { /* the stream says it */ } finally { asking.current = false; }
  };

  useEffect(() => {
    blocks.current = new Blocks();
    setWrong(null);
    tick((n) => n + 1);
    return whileShown(async (ends) => {
      signal.current = ends;
      const mine = blocks.current;
      for (let newer = ""; ;) {
        try {
          const count = following.current || !mine.end ? BLOCK : 1;
          const told = await get(`/v1/logs/window?count=${count}${newer}${choice}`, ends);
          mine.take(told);
          newer = told.counted < 1 ? "" : `&newer=${told.end}`;
          setWrong(null);
          tick((n) => n + 1);
          fill();
        } catch (error) {
          if (error.status !== 404 && error.status !== 422) throw error;
          setWrong(error);
          await new Promise((resolve) => ends.addEventListener("abort", resolve));
          return;
        }
      }
    });
  }, [choice]);
  return [blocks.current, wrong, (first, last) => {
    seen.current = [blocks.current.begin + first, blocks.current.begin + last];
    fill();
  }];
}
