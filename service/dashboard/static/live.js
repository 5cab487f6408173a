// Live: asks for what was recorded since, and puts it on top. Pausing keeps the place; going on catches up.
import { $, $$, ask, say } from "./assay.js";

const MOST_ROWS = 200;
const RETRY_MS = 3_000;
const PAUSE_MS = 1_000;
const box = $("#live");
const body = $("tbody", box);
const state = $("#live-state");
let cursor = box.dataset.cursor;
let paused = false;
let resume = () => {};

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

function put(html) {
  const rows = $$("tbody > tr", new DOMParser().parseFromString(html, "text/html"));
  if (!rows.length) return;
  $("#live-empty")?.remove();
  for (const row of rows) row.classList.add("fresh");
  body.prepend(...rows);
  for (const row of $$(":scope > tr", body).slice(MOST_ROWS)) row.remove();
}

async function follow() {
  for (;;) {
    if (paused) await new Promise((go) => (resume = go));
    try {
      const url = new URL(box.dataset.since, location.href);
      url.searchParams.set("cursor", cursor);
      const response = await ask(url, { headers: { "X-Assay-Refresh": "1" } });
      put(await response.text());
      const reached = response.headers.get("X-Assay-Cursor") || cursor;
      if (reached === cursor) await sleep(PAUSE_MS); // nothing fits the filter: don't ask at once again
      cursor = reached;
      state.textContent = "Newest on top; new ones come by themselves.";
    } catch (error) {
      state.textContent = `${error.message} It is tried again.`;
      await sleep(RETRY_MS);
    }
  }
}

$("[data-pause]").addEventListener("click", (event) => {
  paused = !paused;
  event.currentTarget.setAttribute("aria-pressed", String(paused));
  event.currentTarget.firstChild.textContent = paused ? "Go on " : "Pause ";
  say(paused ? "Paused." : "Going on.");
  if (!paused) resume();
});

follow();
