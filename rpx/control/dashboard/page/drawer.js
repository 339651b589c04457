// The drawer: all that is known of one request, and what can be done with it.

import { html, useEffect, useRef, useState } from "./vendor/htm-preact.js";
import { get, post, textOf } from "./api.js";
import { Body } from "./bodies.js";
import { Words, bytes, clock, ms } from "./parts.js";

const SAFE = new Set(["GET", "HEAD", "OPTIONS", "TRACE"]); // RFC 9110, 9.2.1

export const statusKind = (row) => {
  if (row.status == null || row.status >= 500) return "bad";
  return row.status >= 400 ? "busy" : "good";
};

function Times({ told }) {
  const until = told.first_ms ?? told.ms;
  const parts = [["held", told.held_ms], ["connecting", told.connect_ms],
    ["waiting", Math.max(0, until - told.held_ms - told.connect_ms)],
    ["answering", Math.max(0, told.ms - until)]];
  const whole = Math.max(parts.reduce((sum, [, took]) => sum + took, 0), 0.001);
  let from = 0;
  const bars = parts.map(([name, took]) => {
    const x = from;
    from += (took / whole) * 1000;
    return html`<rect key=${name} class="time-${name}" x=${x} y="0" width=${(took / whole) * 1000} height="10" />`;
  });
  const said = parts.map(([name, took]) => `${name} ${ms(took)}`).join(", ");
  return html`<section><h3>Time</h3>
    <svg class="times" viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label=${said}>${bars}</svg>
    <ul class="legend">${parts.map(([name, took]) => html`<li key=${name} class=${took ? "" : "faint"}>
      <span class="swatch time-${name}" aria-hidden="true"></span>${name}
      <span class="number">${ms(took)}</span></li>`)}</ul></section>`;
}

function Tries({ told }) {
  if (!told.tried.length) return null;
  return html`<section><h3>${told.tried.length > 1 ? `${told.tried.length} tries` : "Asked"}</h3>
    <table class="plain tries"><caption class="unseen">Backends that were asked</caption><tbody>
      ${told.tried.map((each, i) => html`<tr key=${i}><th scope="row">${each.label || each.backend}</th>
        <td class=${/^answered [1-4]/.test(each.outcome) ? "" : "bad"}>${each.outcome}</td>
        <td class="number">${ms(each.ms)}</td>
        <td class="faint">${each.pid ? `pid ${each.pid}, start ${each.generation}` : each.backend}</td></tr>`)}
    </tbody></table></section>`;
}

function Message({ told, of, message, title }) {
  const picture = `/api/v1/requests/${encodeURIComponent(told.id)}/body?of=${of}`;
  return html`<section class="message" aria-label=${title}><h3>${title}</h3>
    <table class="fields"><caption class="unseen">Fields</caption><tbody>
      ${message.headers.map(([name, value], i) => html`<tr key=${i}><th scope="row">${name}</th>
        <td>${value}</td></tr>`)}</tbody></table>
    <${Body} message=${message} of=${of} picture=${picture} /></section>`;
}

function Replay({ told, tell, copies }) {
  const [to, setTo] = useState("");
  const [asks, setAsks] = useState(false);
  const [busy, setBusy] = useState(false);
  const [answers, setAnswers] = useState([]);
  const safe = SAFE.has(told.method);
  const run = async () => {
    setAsks(false);
    setBusy(true);
    const command = `rpx replay ${told.id}${to ? ` --to ${to}` : ""}${safe ? "" : " --yes"}`;
    await tell(command, async () => {
      const [answer] = await post(`/v1/requests/${encodeURIComponent(told.id)}/replay`, { to, yes: true });
      setAnswers((before) => [{ ...answer, to }, ...before].slice(0, 5));
      return [`${answer.status} in ${ms(answer.ms)}: ${answer.differs.join("; ") || "the same"}`, false];
    });
    setBusy(false);
  };
  const possible = told.url && !told.upgrade;
  return html`<section class="replay" aria-label="Replay"><div class="bar">
      <button type="button" class="first" disabled=${busy || !possible}
        onClick=${() => (safe ? run() : setAsks(true))}>${busy ? "Replaying…" : "Replay"}</button>
      <label><span class="unseen">Through</span><select value=${to} onChange=${(event) => setTo(event.target.value)}>
        <option value="">through the proxy</option>
        ${copies.map((label) => html`<option key=${label} value=${label}>to ${label}</option>`)}</select></label>
      <${Copy} id=${told.id} tell=${tell} />
      <a class="button" download="${told.id}.har" href="/api/v1/requests/${encodeURIComponent(told.id)}/har">HAR</a></div>
    ${asks && html`<div class="asks" role="alertdialog" aria-label="Send it again?">
      <p>A ${told.method} may change something. Send it again?</p>
      <button type="button" class="danger" ref=${(e) => e?.focus()} onClick=${run}>Send it again</button>
      <button type="button" onClick=${() => setAsks(false)}>Cancel</button></div>`}
    ${answers.length > 0 && html`<ol class="answers" aria-label="Repetitions, the last one first">
      ${answers.map((each, i) => html`<li key=${answers.length - i}>
        <p><strong class=${statusKind(each)}>${each.status}</strong> in ${ms(each.ms)},
          ${` ${bytes(each.bytes)}, ${each.to ? `from ${each.to}` : "through the proxy"}: `}
          ${each.differs.length ? "" : "the same"}</p>
        ${each.differs.length > 0 && html`<ul>${each.differs.map((text) => html`<li key=${text}>${text}</li>`)}</ul>`}
        ${each.body.length > 0 && html`<pre tabindex="0" class="diff">${each.body.map((line, n) => html`<span key=${n}
          class=${{ "+": "added", "-": "gone-line" }[line[0]] ?? ""}>${line}\n</span>`)}</pre>`}</li>`)}</ol>`}
  </section>`;
}

function Copy({ id, tell }) {
  const [command, setCommand] = useState("");
  const copy = () => tell(`rpx request ${id} --curl`, async () => {
    const text = (await textOf(`/v1/requests/${encodeURIComponent(id)}/curl`)).trim();
    try {
      await navigator.clipboard.writeText(text);
      return ["copied; what is hidden is left out", false];
    } catch {
      setCommand(text);
      return ["this browser copies nothing by itself: mark it", false];
    }
  });
  return html`<button type="button" onClick=${copy}>Copy as curl</button>
    ${command && html`<pre tabindex="0" class="curl">${command}</pre>`}`;
}

export function Drawer({ id, known, close, tell, copies }) {
  const [found, setFound] = useState(null);
  const [wrong, setWrong] = useState(null);
  const box = useRef();
  useEffect(() => {
    let current = true;
    setWrong(null);
    get(`/v1/requests/${encodeURIComponent(id)}`)
      .then((each) => current && setFound(each))
      .catch((error) => { if (current) { setFound(null); setWrong(error); } });
    return () => { current = false; };
  }, [id]);
  useEffect(() => { if (box.current) box.current.scrollTop = 0; }, [found?.id]);
  const told = found;
  return html`<aside class="drawer" ref=${box} id="drawer" tabindex="-1" aria-label="Request ${id}">
    <div class="drawer-head"><h2>${told ? `${told.method || "no request"} ${told.path}` : known
    ? `${known.method} ${known.path}` : `Request ${id}`}</h2>
      <button type="button" class="quiet" onClick=${close} aria-label="Close">✕</button></div>
    ${wrong && html`<div class="mistake" role="alert"><p>${wrong.message}</p>
      <p class="hint"><${Words} text=${wrong.hint} /></p></div>
      ${known && html`<p class="faint">It came at ${clock(known.time)}, was answered with
        ${` ${known.status ?? "nothing"}`} in ${ms(known.ms)} by ${known.label ?? "rpx"}.</p>`}`}
    ${told && html`
      <p class="facts"><strong class=${statusKind(told)}>${told.status ?? "no answer"}</strong>
        <span>${ms(told.ms)}</span><span>${told.protocol}</span><span>${told.host}</span>
        ${told.route && html`<span>route ${told.route}</span>`}
        <span>from ${told.client || "a socket file"}</span><span>${clock(told.time)}</span>
        ${told.upgrade && html`<span>${told.upgrade}${told.frames_in != null
    ? `: ${told.frames_in} frames in, ${told.frames_out} out` : ""}</span>`}
        <code>${told.id}</code></p>
      ${told.explained.map((each) => html`<p class="explained" key=${each}>${each}</p>`)}
      <${Replay} key=${told.id} told=${told} tell=${tell} copies=${copies} />
      <div class="two"><${Times} told=${told} /><${Tries} told=${told} /></div>
      ${(told.lines.length > 0 || told.lines_missing) && html`<section><h3>Printed meanwhile</h3>
        ${told.lines_missing && html`<p class="faint">There may be more than is in memory:
          <code>rpx logs</code> has it.</p>`}
        <pre tabindex="0">${told.lines.join("\n")}</pre></section>`}
      <div class="two messages">
        <${Message} told=${told} of="request" title="Request" message=${told.request} />
        <${Message} told=${told} of="answer" title="Answer" message=${told.response} /></div>`}
  </aside>`;
}
