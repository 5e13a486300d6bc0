// Moves through what was known when, and prints. Pages do all of this without script as well.
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
