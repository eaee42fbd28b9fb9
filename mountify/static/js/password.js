// A password can be shown while it is typed. The button is made here, so that nobody sees one that does nothing.
const dress = (root) => {
  for (const box of root.querySelectorAll("[data-password]:not(:has(button))")) {
    const input = box.querySelector("input"), [show, hide] = box.dataset.password.split("|");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "link", textContent: show });
    button.setAttribute("aria-controls", input.id);
    button.addEventListener("click", () => {
      const isShown = input.type === "text";
      input.type = isShown ? "password" : "text";
      button.textContent = isShown ? show : hide;
    });
    input.form.addEventListener("submit", () => { input.type = "password"; });
    box.querySelector(".field").append(button);
  }
};
dress(document);
document.addEventListener("htmx:after:swap", () => dress(document));
