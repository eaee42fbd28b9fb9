// A password can be shown while it is typed. The button is made here, so that nobody sees one that does nothing.
const dress = (root) => {
  for (const box of root.querySelectorAll("[data-password]:not(:has(button))")) {
    const input = box.querySelector("input"), [show, hide] = box.dataset.password.split("|");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "link" });
    const word = document.createTextNode(show);
    const which = Object.assign(document.createElement("span"), { className: "vh", textContent: ` ${input.labels[0].textContent}` });
    button.append(word, which);
    button.setAttribute("aria-controls", input.id);
    // What is shown is still a password: no browser sends it to its spelling checker.
    Object.assign(input, { spellcheck: false, autocapitalize: "none" });
    const turn = (type) => {
      const { selectionStart, selectionEnd } = input;
      input.type = type;
      word.data = type === "text" ? hide : show;
      if (document.activeElement === input) input.setSelectionRange(selectionStart, selectionEnd);
    };
    button.addEventListener("mousedown", (event) => event.preventDefault());  // who is typing goes on typing
    button.addEventListener("click", () => turn(input.type === "text" ? "password" : "text"));
    // Browsers remember what was sent as text, and a page that is gone back to shows itself as it was left.
    input.form.addEventListener("submit", () => turn("password"));
    addEventListener("pagehide", () => turn("password"));
    input.after(button);
  }
};
dress(document);
document.addEventListener("htmx:after:swap", () => dress(document));
