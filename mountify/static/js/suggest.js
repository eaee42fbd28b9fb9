// Arrow keys walk from the search field through its suggestions and back; Esc shuts them until more is typed; once more empties the field.
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.(".find");
  if (!form) return;
  const field = form.querySelector("input"), list = form.querySelector("#suggest");
  if (event.key === "Escape") {
    if (!("shut" in form.dataset)) event.preventDefault();
    form.dataset.shut = "";
    field.focus();
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const stops = [field, ...("shut" in form.dataset ? [] : list.querySelectorAll("a"))];
  const at = stops.indexOf(document.activeElement);
  if (!step || at < 0 || stops.length === 1) return;
  event.preventDefault();
  stops[(at + step + stops.length) % stops.length].focus();
});
document.addEventListener("input", (event) => { delete event.target.closest?.(".find")?.dataset.shut; });
