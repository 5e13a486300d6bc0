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
  const asked = target.form.elements.as_of;
  asked.disabled = target.value === target.max; // the newest instant is now
  asked.value = step(target).dataset.asOf;
  htmx.trigger(target.form, "moved");
});

document.addEventListener("click", ({ target }) => {
  if (target.matches("[data-print]")) window.print();
});
