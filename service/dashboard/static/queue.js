// The queue's page: holds the case while it is open, blurs and unblurs, counts the seconds. All of it works without.
import { $, $$, ask, say } from "./assay.js";

const BEAT_MS = 60_000;
let shownAt = performance.now();
let marks = true;
let grey = false;

function dress() {
  for (const text of $$("[data-text]")) text.classList.toggle("unmarked", !marks);
  $(".case")?.classList.toggle("colourless", grey);
  $("[data-heat]")?.setAttribute("aria-pressed", String(marks));
}

async function beat() {
  const held = $("#case[data-mine]");
  if (!held || document.hidden) return;
  try {
    await ask(`/queue/cases/${held.dataset.case}/extend`, { method: "POST" });
  } catch (error) {
    say(error.message, "bad");
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
    dress();
  } else event.target.closest("[data-closes]")?.closest("dialog").close();
});

document.addEventListener("submit", () => {
  const field = $("[data-seconds]");
  if (field) field.value = ((performance.now() - shownAt) / 1000).toFixed(1);
}, true);

document.addEventListener("assay:swapped", (event) => {
  if (event.target.id !== "case") return;
  shownAt = performance.now();
  const { dataset } = event.target;
  if (dataset.case) history.replaceState(null, "", `/queue/cases/${dataset.case}${location.search.replace(/[?&]show=1/, "")}`);
  dress();
  if (!event.target.contains(document.activeElement)) $("#main").scrollIntoView({ block: "start" });
});

setInterval(beat, BEAT_MS);
dress();
