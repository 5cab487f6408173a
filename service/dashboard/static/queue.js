// The queue's page: holds the case while it is open, blurs and unblurs, counts the seconds. All of it works without.
import { $, $$, ask, say, swap } from "./assay.js";

const BEAT_MS = 60_000;
const AWAY_MS = 5 * 60_000; // nobody is there any more: the lease may run out
const READING_MS = 500;
const UNUSED = { method: "POST", headers: { "X-Assay-Refresh": "1" } }; // the script asks: nobody used the session
let touchedAt = performance.now();
let shownAt = performance.now();
let marks = true;
let ahead = null; // the page of the case that comes next, and which case it comes after
let readying;
let grey = sessionStorage.getItem("grey") === "yes";

function dress() {
  for (const text of $$("[data-text]")) text.classList.toggle("unmarked", !marks);
  $(".case")?.classList.toggle("colourless", grey);
  $("[data-heat]")?.setAttribute("aria-pressed", String(marks));
  $("[data-grey]")?.setAttribute("aria-pressed", String(grey));
}

async function beat() {
  const held = $("#case[data-mine]");
  if (!held || document.hidden || performance.now() - touchedAt > AWAY_MS) return;
  try {
    await ask(`/queue/cases/${held.dataset.case}/extend`, UNUSED);
  } catch (error) {
    say(error.message, "bad");
  }
  await ready();
}

/** Have the next case made ready while this one is read. Asked for again it is the same one, as it is by then. */
async function ready() {
  const held = $("#case[data-mine]");
  if (!held || document.hidden) return;
  try {
    const response = await ask(`/queue/cases/${held.dataset.case}/ahead${location.search}`, UNUSED);
    ahead = response.status === 204 ? null : { after: held.dataset.case, page: await response.text() };
    held.toggleAttribute("data-ahead", ahead !== null);
  } catch {
    ahead = null; // it comes when this one is decided
  }
}

document.addEventListener("click", (event) => {
  const veil = event.target.closest("[data-veil]");
  if (veil) {
    event.preventDefault();
    for (const text of $$("[data-text]")) text.classList.toggle("veiled");
  } else if (event.target.closest("[data-heat]")) {
    marks = !marks;
    dress();
  } else if (event.target.closest("[data-grey]")) {
    grey = !grey;
    sessionStorage.setItem("grey", grey ? "yes" : "");
    dress();
  } else event.target.closest("[data-closes]")?.closest("dialog").close();
});

document.addEventListener("submit", () => {
  const field = $("[data-seconds]");
  if (field) field.value = ((performance.now() - shownAt) / 1000).toFixed(1);
}, true);

document.addEventListener("assay:sending", ({ target, detail }) => {
  if (target.id !== "case") return;
  const next = ahead;
  ahead = null;
  const { opinion, rationale } = detail.form.elements;
  if (next?.after !== target.dataset.case || !detail.form.matches(".decide") || opinion?.checked) return;
  if (detail.button?.matches("[data-explained]") && !rationale.value.trim()) return;
  const shown = swap(target, next.page);
  shown.setAttribute("aria-busy", "true"); // its keys wait until the decision before it holds
  detail.headers["X-Assay-Ahead"] = shown.dataset.case;
  detail.takeBack = () => swap(shown, target);
});

document.addEventListener("assay:swapped", (event) => {
  if (event.target.id !== "case") return;
  clearTimeout(readying);
  readying = setTimeout(ready, READING_MS);
  shownAt = performance.now();
  const { dataset } = event.target;
  if (dataset.case) history.replaceState(null, "", `/queue/cases/${dataset.case}${location.search.replace(/[?&]show=1/, "")}`);
  dress();
  if (event.target.contains(document.activeElement)) return;
  $("#main").scrollIntoView({ block: "start" });
  $(".case", event.target)?.focus({ preventScroll: true }); // a screen reader goes on with the post
});

for (const kind of ["keydown", "pointerdown", "pointermove", "scroll"]) {
  document.addEventListener(kind, () => (touchedAt = performance.now()), { passive: true });
}
setInterval(beat, BEAT_MS);
readying = setTimeout(ready, READING_MS);
dress();
