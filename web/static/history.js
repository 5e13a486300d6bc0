// Moves through what was known when, prints and copies. Pages do all of this without script as well.
"use strict";

const step = (slider) => slider.list.options[Number(slider.value)];

document.addEventListener("input", ({ target }) => {
  if (target.id !== "moment") return;
  const told = step(target).label;
  target.setAttribute("aria-valuetext", told);
  target.form.querySelector("output").textContent = told;
});

document.addEventListener("change", ({ target }) => {
  if (target.id !== "moment") return;
  const asked = new URLSearchParams(new FormData(target.form));
  if (target.value !== target.max) asked.set("as_of", step(target).dataset.asOf); // the newest is now
  const query = asked.size ? `?${asked}` : "";
  // of the body, not of the form: that is swapped, and the last of several moves is to win
  htmx.ajax("GET", target.form.getAttribute("action") + query, {
    source: document.body, target: "#main", select: "#main", swap: "outerHTML", push: "true",
  });
});

document.addEventListener("click", ({ target }) => {
  if (target.matches("[data-print]")) window.print();
});

const copyOldWay = (text) => { // the clipboard is closed to pages without TLS
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const isDone = document.execCommand("copy");
  area.remove();
  return isDone;
};

document.addEventListener("click", async ({ target }) => {
  if (!target.matches("[data-copy]")) return;
  const { copy, copied } = target.dataset;
  const isDone = await (navigator.clipboard?.writeText(copy).then(() => true, () => copyOldWay(copy)) ?? copyOldWay(copy));
  target.focus();
  if (!isDone) return;
  const status = target.nextElementSibling;
  status.textContent = copied; // announced politely, and gone before the next one
  setTimeout(() => { status.textContent = ""; }, 2000);
});
