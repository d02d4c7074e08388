// Where a photograph comes from: each button does at once what it says.
const whereFrom = (label) => `:is(#photo, #verify-photo) .source-selection button[aria-label="${label}"]`;
// Does something as soon as there is what to do it with, as after Gradio has drawn the box anew.
const soon = (find, act) => {
  const until = Date.now() + 3000;
  const look = () => (find() ? act(find()) : Date.now() < until && setTimeout(look, 50));
  setTimeout(look, 50);
};
// Of what is no picture Gradio says what helps nobody, and leaves there what was said of the last one: the server is asked,
// which needs its beginning alone. Of some pictures, such as a telephone's, the browser does not know that they are.
const isPicture = ({ type }) => type.startsWith("image/");
function given(input, files) {
  const all = new DataTransfer();
  for (const file of files)
    all.items.add(isPicture(file) ? file : new File([file.type ? file.slice(0, 4096) : file], file.name, { type: "image/x" }));
  input.files = all.files;
}
document.addEventListener("change", ({ target }) => {
  if (target.matches?.(":is(#photo, #verify-photo) input[type=file]") && ![...target.files].every(isPicture))
    given(target, [...target.files]);
}, true);
document.addEventListener("drop", (event) => {
  const input = event.target.closest?.("#photo, #verify-photo")?.querySelector("input[type=file]");
  const files = [...event.dataTransfer.files];
  if (!input || files.every(isPicture)) return;
  event.preventDefault();
  event.stopPropagation();
  event.target.dispatchEvent(new DragEvent("dragleave", { bubbles: true }));
  given(input, files.slice(0, 1));
  input.dispatchEvent(new Event("change", { bubbles: true }));
}, true);
// Of a file that the browser cannot show, such as a telephone's HEIC, no broken picture is seen, but words: see page.css.
for (const type of ["error", "load"])
  document.addEventListener(type, ({ target }) => {
    if (!target.matches?.("#photo img, #verify-photo img")) return;
    target.style.visibility = type === "error" ? "hidden" : "";
    target.closest("#photo, #verify-photo").classList.toggle("unseen", type === "error");
  }, true);
document.addEventListener("click", (event) => {
  const box = event.target.closest?.("#photo, #verify-photo, #examples");
  if (!box || !event.isTrusted) return; // or it is the page's own
  // The page need not show any more what it does, and what is to come gets its place while nothing else happens.
  for (const part of document.querySelectorAll("#title, #result")) part.classList.add("begun");
  const input = () => box.querySelector('input[type="file"]');
  if (event.target.closest(whereFrom("Upload file"))) {
    // Gradio's only empties the box, which from the camera, or with a photograph there, comes first.
    if (input()) {
      event.stopPropagation();
      input().click();
    } else soon(input, (found) => found.click());
  }
  // Gradio's asks for a second click; it is the browser that asks whether it may.
  if (event.target.closest(whereFrom("Capture from camera")))
    soon(() => box.querySelector('[title="grant webcam access"] button'), (button) => button.click());
}, true);
