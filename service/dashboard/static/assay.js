// What the dashboard does beyond plain HTML: keys, confirmations, parts that are swapped in place. Every page works without.
//
// data-key="s" or "g q"    the key, or the keys one after another, that press this link or button, or focus this field
// data-key-label           what the help dialog (?) says of it; else its own words
// data-confirm="..."       asks before the form of this button is sent
// data-opens="id"          opens that dialog
// data-copies="selector"   copies the text of what it finds
// data-swap="#id"          on a form or link: its answer takes the place of that element, without loading the page
// data-refresh="seconds"   on an element with an id: fetches data-refresh-url again and takes the answer's place
// data-list                on a table or list: j and k move among its rows, Enter opens a row's first link

const SCRIPT = { "X-Assay-Script": "1" };
const SEQUENCE_MS = 1500;

export const $ = (selector, within = document) => within.querySelector(selector);
export const $$ = (selector, within = document) => [...within.querySelectorAll(selector)];

/** Show words for some seconds; screen readers say them. */
export function say(words, kind = "") {
  const toast = document.createElement("p");
  toast.className = `toast ${kind}`;
  toast.textContent = words;
  $("#said").append(toast);
  setTimeout(() => toast.remove(), kind === "bad" ? 9000 : 5000);
}

/** Fetch a part of a page; throws an Error with the server's words. Goes elsewhere where the server says so, or asks to sign in. */
export async function ask(url, options = {}) {
  const token = $('meta[name="csrf-token"]').content;
  const headers = { ...SCRIPT, "X-CSRF-Token": token, ...(options.headers || {}) };
  let response;
  try {
    response = await fetch(url, { credentials: "same-origin", ...options, headers });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The dashboard does not answer. Is it running?");
  }
  if (response.status === 401) {
    location.assign(`/sign-in?after=${encodeURIComponent(location.pathname + location.search)}`);
    return new Promise(() => {});
  }
  const elsewhere = response.headers.get("X-Assay-Go");
  if (elsewhere) {
    location.assign(elsewhere);
    return new Promise(() => {});
  }
  if (!response.ok && !(response.headers.get("content-type") || "").startsWith("text/html")) {
    throw new Error((await response.text()) || `The dashboard answered ${response.status}.`);
  }
  return response;
}

/** Put HTML of our own server, or an element, in the place of an element; focus and keys go on working.
 *
 *  Fires `assay:swapped` on what is there then, and returns it.
 */
export function swap(element, part) {
  const held = element.contains(document.activeElement) ? document.activeElement.id : "";
  const page = typeof part === "string" ? new DOMParser().parseFromString(part, "text/html") : null;
  const fresh = page ? element.id && page.getElementById(element.id) : part;
  if (fresh) element.replaceWith(fresh);
  else element.replaceChildren(...page.body.childNodes);
  const now = fresh || element;
  if (held) document.getElementById(held)?.focus();
  $("[autofocus]", now)?.focus();
  now.dispatchEvent(new CustomEvent("assay:swapped", { bubbles: true }));
  return now;
}

// Keys -----------------------------------------------------------------------------------------------------------------

let pressed = [];
let pressedAt = 0;

const typing = (target) =>
  target.matches("input:not([type=checkbox], [type=radio], [type=button]), textarea, select, [contenteditable]");
const visible = (element) => element.checkVisibility() && !element.disabled && !element.closest("[inert]");
const keyed = () => $$("[data-key]").filter(visible);

function press(element) {
  if (element.matches("input:not([type=checkbox], [type=radio], [type=submit], [type=button]), textarea, select")) {
    element.focus();
    element.scrollIntoView({ block: "nearest" });
    element.select?.();
  } else if (element.matches("summary, [tabindex]:not(a, button)")) {
    element.focus();
    element.click();
  } else element.click();
}

function onKey(event) {
  // A key that is held down must not decide the cases that come next, unseen.
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat) return;
  if (typing(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if ($("dialog[open]") || event.key.length > 1) return;
  const now = performance.now();
  pressed = now - pressedAt < SEQUENCE_MS ? [...pressed, event.key] : [event.key];
  pressedAt = now;
  const choices = keyed();
  for (const keys of [pressed.join(" "), event.key]) {
    const found = choices.find((element) => element.dataset.key === keys);
    if (!found) continue;
    event.preventDefault();
    pressed = [];
    press(found);
    return;
  }
  if (choices.some((element) => element.dataset.key.startsWith(`${pressed.join(" ")} `))) event.preventDefault();
  else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
}

function step(by) {
  const rows = $$("[data-list] tbody tr, ul[data-list] > li, ol[data-list] > li").filter(visible);
  if (!rows.length) return;
  const at = rows.findIndex((row) => row.contains(document.activeElement) || row.classList.contains("at"));
  const to = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  for (const row of rows) row.classList.toggle("at", row === to);
  const link = $("a, button", to);
  if (link) link.focus();
  to.scrollIntoView({ block: "nearest" });
}

function listKeys() {
  const rows = new Map();
  for (const element of keyed()) {
    const words = element.dataset.keyLabel || element.textContent.trim() || element.getAttribute("aria-label");
    if (!rows.has(element.dataset.key)) rows.set(element.dataset.key, words);
  }
  if ($("[data-list]")) rows.set("j k", "Next and previous row; Enter opens it");
  rows.set("Esc", "Leave a field, close a dialog");
  const list = $("#keys-list");
  list.replaceChildren();
  for (const [keys, words] of rows) {
    const term = document.createElement("dt");
    for (const key of keys.split(" ")) {
      const kbd = document.createElement("kbd");
      kbd.textContent = key;
      term.append(kbd, " ");
    }
    const meaning = document.createElement("dd");
    meaning.textContent = words;
    list.append(term, meaning);
  }
}

// Confirmations, dialogs, copies -----------------------------------------------------------------------------------------

const confirmed = new WeakSet();

/** Ask; true if the person says yes. */
export function sure(words, yes = "Yes") {
  const dialog = $("#confirm");
  $("#confirm-text").textContent = words;
  $("#confirm-yes").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((done) =>
    dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }),
  );
}

async function onSubmit(event) {
  const form = event.target;
  const button = event.submitter;
  const question = button?.dataset.confirm || form.dataset.confirm;
  if (question && !confirmed.has(form)) {
    event.preventDefault();
    if (await sure(question, button?.textContent.trim() || "Yes")) {
      confirmed.add(form);
      form.requestSubmit(button);
    }
    return;
  }
  confirmed.delete(form);
  const target = button?.dataset.swap || form.dataset.swap;
  if (target) {
    event.preventDefault();
    await send(form, button, target);
  }
}

/** Send a form and put the answer in the place of `selector`.
 *
 *  Before, `assay:sending` fires there: whoever knows the answer beforehand may show it, add headers that say so, and
 *  name in `detail.takeBack` how to undo that. The server then answers 204 if it was right.
 */
async function send(form, button, selector) {
  const target = $(selector);
  if (target.getAttribute("aria-busy") === "true") return;
  const data = new FormData(form, button);
  const url = new URL(button?.getAttribute("formaction") || form.getAttribute("action") || location.href, location.href);
  const options = { method: form.method.toUpperCase(), headers: {} };
  if (options.method === "GET") url.search = new URLSearchParams(data);
  else options.body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
  target.setAttribute("aria-busy", "true");
  const detail = { form, button, headers: options.headers };
  target.dispatchEvent(new CustomEvent("assay:sending", { bubbles: true, detail }));
  try {
    const response = await ask(url, options);
    if (response.status === 204) say(response.headers.get("X-Assay-Said"), "good");
    else swap($(selector), await response.text());
  } catch (error) {
    detail.takeBack?.();
    say(error.message, "bad");
  } finally {
    $(selector).removeAttribute("aria-busy");
  }
}

async function onClick(event) {
  const at = event.target.closest("[data-opens], [data-copies], a[data-swap]");
  if (!at) return;
  if (at.dataset.opens) {
    if (at.dataset.opens === "keys") listKeys();
    document.getElementById(at.dataset.opens).showModal();
  } else if (at.dataset.copies) {
    try {
      await navigator.clipboard.writeText($(at.dataset.copies).textContent.trim());
      say("Copied.");
    } catch {
      say("Copying is not allowed here; select the text instead.", "bad");
    }
  } else if (!event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    try {
      const response = await ask(at.href);
      swap($(at.dataset.swap), await response.text());
    } catch (error) {
      say(error.message, "bad");
    }
  }
}

// Parts that refresh -----------------------------------------------------------------------------------------------------

const due = new WeakMap();

async function refresh() {
  if (document.hidden || $("dialog[open]")) return;
  for (const element of $$("[data-refresh]")) {
    const now = performance.now();
    if (!due.has(element)) due.set(element, now + 1000 * Number(element.dataset.refresh));
    if (now < due.get(element) || element.contains(document.activeElement)) continue;
    due.set(element, now + 1000 * Number(element.dataset.refresh));
    try {
      const response = await ask(element.dataset.refreshUrl || location.href, { headers: { "X-Assay-Refresh": "1" } });
      if (element.isConnected) swap(element, await response.text());
    } catch {
      element.dataset.stale = "";
    }
  }
}

document.addEventListener("keydown", onKey);
document.addEventListener("submit", onSubmit);
document.addEventListener("click", onClick);
setInterval(refresh, 1000);
