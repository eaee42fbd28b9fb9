// Less and more beside a quantity, without leaving the page. Without script the same buttons reload it.
document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-step]");
  const input = button?.parentElement.querySelector("input[type=number]");
  if (!input) return;
  event.preventDefault();
  const least = Number(input.min || 1), most = Number(input.max || Infinity);
  const wanted = (Number.parseInt(input.value, 10) || least) + Number(button.dataset.step);
  input.value = Math.min(most, Math.max(least, wanted));
});
