// In a table marked data-rows, the arrow keys move between the cells marked data-cell, and Enter leads on to the next.
const cells = (cell) => [...cell.closest("[data-rows]").querySelectorAll("[data-cell]")];
const step = (cell, by) => {
  const all = cells(cell);
  const next = all[all.indexOf(cell) + by];
  if (next) {
    next.focus();
    next.select();
  }
};

document.addEventListener("keydown", (event) => {
  const cell = event.target.closest("[data-cell]");
  if (!cell || !cell.closest("[data-rows]")) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    step(cell, event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Enter" && window.htmx) {
    event.preventDefault();
    if (cell.value !== cell.defaultValue || cell.hasAttribute("aria-invalid")) cell.form.requestSubmit();
    step(cell, 1);
  } else if (event.key === "Escape") {
    cell.value = cell.defaultValue;
  }
});
