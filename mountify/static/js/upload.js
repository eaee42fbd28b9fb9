// A form marked data-upload sends its files one by one, shows how far each has come, and takes files that are dropped on its frame.
const line = (name, failed) => {
  const item = document.createElement("li"), text = document.createElement("p");
  text.append(name, document.createElement("br"));
  item.append(text);
  if (failed) {
    item.className = "failed";
    text.setAttribute("role", "alert");
    text.append(failed);
  }
  return { item, text };
};

const send = (form, file, isPlaced, show) => new Promise((settle) => {
  const body = new FormData(form), request = new XMLHttpRequest();
  body.delete("photos");
  body.append("photos", file);
  if (isPlaced) body.delete("instead_of");  // one before it has taken that place
  request.open("POST", form.action);
  request.setRequestHeader("HX-Request", "true");
  request.upload.addEventListener("progress", (event) => event.lengthComputable && show(event));
  request.addEventListener("load", () => settle(new DOMParser().parseFromString(request.response, "text/html")));
  for (const trouble of ["error", "abort", "timeout"]) request.addEventListener(trouble, () => settle(null));
  request.send(body);
});

const upload = async (form, files) => {
  if (form.hasAttribute("aria-busy")) return;
  form.setAttribute("aria-busy", "true");
  const list = document.querySelector("[data-failures]"), failures = [];
  let newest = null, isPlaced = false;
  for (const file of files) {
    if (file.size > Number(form.dataset.most)) {
      failures.push(line(file.name, form.dataset.tooBig).item);
      continue;
    }
    const { item, text } = line(file.name), bar = document.createElement("progress"), done = document.createElement("span");
    bar.max = 1;
    bar.setAttribute("aria-label", `${form.dataset.sending} ${file.name}`);
    done.className = "meta";
    text.append(done);
    item.append(document.createElement("p"));
    item.lastChild.append(bar);
    list.append(item);
    const answer = await send(form, file, isPlaced, ({ loaded, total }) => {
      bar.value = loaded / total;
      done.textContent = `${Math.round(bar.value * 100)} %`;
    });
    item.remove();
    const section = answer && answer.querySelector("#pictures");
    const refused = section ? [...section.querySelectorAll("[data-failures] > li")] : [];
    const why = section && section.querySelector("[data-upload] .err");
    if (!section) failures.push(line(file.name, form.dataset.lost).item);
    else if (why) failures.push(line(file.name, why.textContent).item);
    else failures.push(...refused);
    if (section && !why) {
      newest = section;
      isPlaced ||= !refused.length;
    }
  }
  const old = document.querySelector("#pictures");
  if (newest) old.replaceWith(document.adoptNode(newest));
  else form.reset();
  document.querySelector("[data-failures]").replaceChildren(...failures);
  form.removeAttribute("aria-busy");
  const place = document.querySelector("#pictures");
  if (newest && window.htmx) window.htmx.process(place);
  place.querySelector("#photos").focus();
};

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-upload]");
  if (form && event.target.type === "file" && event.target.files.length) upload(form, [...event.target.files]);
});
document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-upload]");
  if (!form) return;
  event.preventDefault();
  upload(form, [...form.elements.photos.files]);
});
document.addEventListener("dragover", (event) => {
  if (event.target.closest("[data-drop]")) event.preventDefault();
});
document.addEventListener("drop", (event) => {
  const form = event.target.closest("[data-drop]")?.closest("[data-upload]");
  if (!form) return;
  event.preventDefault();
  upload(form, [...event.dataTransfer.files]);
});
