// The second click of a double click is not another wish: buttons marked data-once hear the first only.
document.addEventListener("click", (event) => {
  if (event.detail > 1 && event.target.closest("[data-once]")) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);
