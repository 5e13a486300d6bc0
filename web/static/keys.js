// Keys for whoever reads all day: / searches, j and k go from row to row, ? says so.
const ROWS = "main tbody tr, main [id^=event-]";

const opener = (row) => row.querySelector("a[href], summary");

function step(by) {
  const openers = [...document.querySelectorAll(ROWS)].map(opener).filter(Boolean);
  const now = openers.indexOf(document.activeElement);
  const next = now < 0 ? (by > 0 ? 0 : openers.length - 1) : now + by;
  openers[next]?.focus();
}

const KEYS = {
  "/": () => document.querySelector("[role=search] [name=q]")?.focus(),
  "?": () => document.getElementById("shortcuts")?.showModal(),
  j: () => step(1),
  k: () => step(-1),
};

document.addEventListener("keydown", (event) => {
  const isTyped = event.target.closest("input, select, textarea, dialog, [contenteditable]");
  if (isTyped || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});
