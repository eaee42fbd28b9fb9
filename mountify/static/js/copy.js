// A button marked data-copy puts the text of what it names on the clipboard; it shows where there is a clipboard.
const wake = (root) => {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) button.hidden = false;
};

wake(document);
document.addEventListener("htmx:after:swap", () => wake(document));
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).innerText);
  button.textContent = button.dataset.copied;
});
