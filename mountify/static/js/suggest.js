// Arrow keys walk from the search field through its suggestions and back; Esc closes them.
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.(".find");
  const list = form?.querySelector("#suggest");
  if (!list) return;
  const field = form.querySelector("input");
  if (event.key === "Escape" && list.childElementCount) {
    event.preventDefault();
    list.replaceChildren();
    form.querySelector("#suggest-count").textContent = "";
    field.focus();
    return;
  }
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const stops = [field, ...list.querySelectorAll("a")];
  const at = stops.indexOf(document.activeElement);
  if (!step || at < 0 || stops.length === 1) return;
  event.preventDefault();
  stops[(at + step + stops.length) % stops.length].focus();
});
