// A box marked data-all chooses every box of that name in its form, wherever on the page they stand.
document.addEventListener("change", (event) => {
  const all = event.target.closest("[data-all]");
  if (!all) return;
  for (const box of all.form.elements) {
    if (box.name === all.dataset.all) box.checked = all.checked;
  }
});
