// Before and after. `element` is what Gradio rendered; `props.value` is what diat/pages/widgets/__init__.py says.
const at = (part) => element.querySelector(part);
const stage = at(".stage"), divider = at(".divider"), large = at(".large"), room = at(".room");
const START = 0; // percent of the picture's width: all of "after" is seen, and the line cuts no face
const HANDLE = 18; // pixels from the line to the end of what it is held by
const WORDS = 24; // pixels that "Before" and "After" take above a picture
const LARGER = 2; // times as large as what fits into the window, at least, when zoomed in
const STILL = 8; // pixels that a finger moves at most in a tap
let stamp = -1, view = "face", pictures = null;
let loaded = []; // so that what is on the page can be looked at as long as it is open
let beside = null; // whether the two stand side by side, once the visitor has said so; else an example's do

// Where the picture lies on the stage, in the margins of which neither the line nor a word has any business.
function place() {
  const { naturalWidth, naturalHeight } = at("img.before");
  const besides = stage.classList.contains("beside");
  const wide = stage.clientWidth / (besides ? 2 : 1), high = stage.clientHeight;
  const scale = Math.min(wide / naturalWidth, high / naturalHeight);
  const whole = !naturalWidth || stage.classList.contains("example"); // or it fills its place
  const width = whole ? wide : naturalWidth * scale, height = whole ? high : naturalHeight * scale;
  const left = (wide - width) / 2, divided = left + (width * divider.value) / 100;
  const held = Math.min(Math.max(divided, HANDLE), wide - HANDLE) - divided; // wholly on the stage
  const top = (high - height) / 2, above = top >= WORDS; // a low picture, not on its faces
  const words = above ? top - WORDS : top + 10;
  const places = { left, width, top, words, height, divided, held };
  for (const [name, value] of Object.entries(places)) stage.style.setProperty(`--${name}`, `${value}px`);
  stage.classList.toggle("above", above);
  at(".label.left").classList.toggle("faint", divider.value < 22 && !besides);
  at(".label.right").classList.toggle("faint", divider.value > 78 && !besides);
}

function show(name, file) {
  const image = at("." + name);
  image.hidden = !file;
  if (file && image.getAttribute("src") !== file.url) image.src = file.url;
}

function paint() {
  const { example } = props.value;
  const pair = pictures && (pictures[view] || pictures.face || pictures.whole);
  show("before", pair && pair.before);
  show("after", pair && pair.after);
  const both = Boolean(pair && pair.after);
  stage.classList.toggle("both", both);
  stage.dataset.shown = pair && pair === pictures.whole ? "whole" : "face";
  at(".compare").classList.toggle("empty", !pair);
  for (const part of [".hold", ".beside", ".full"]) at(part).disabled = !both;
  for (const button of element.querySelectorAll("[data-view]")) {
    button.disabled = !pictures || !pictures.whole;
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  stage.classList.toggle("example", Boolean(example));
  stage.classList.toggle("beside", !large.classList.contains("zoomed") && (beside ?? Boolean(example)));
  at(".beside").setAttribute("aria-pressed", String(stage.classList.contains("beside")));
  place();
}

function render() {
  const value = props.value;
  if (!value || value.stamp < stamp) return; // an older answer that came late
  stamp = value.stamp;
  if (value.from_start) {
    view = "face";
    divider.value = START;
  }
  if (!value.same) {
    pictures = value.pictures;
    const files = Object.values(pictures || {}).flatMap(Object.values).filter(Boolean);
    loaded = files.map((file) => Object.assign(new Image(), { src: file.url }));
  }
  paint();
  const lines = (value.message || "").split("\n").filter(Boolean);
  const message = at(".message");
  if (message.innerText !== lines.join("\n")) { // said again only where it is new
    message.replaceChildren(...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })));
  }
  message.dataset.kind = value.kind || "";
  document.getElementById("consent")?.classList.toggle("missed", value.kind === "consent");
  at(".details").classList.toggle("none", !value.details);
  at(".details div").textContent = value.details || "";
}

for (const button of element.querySelectorAll("[data-view]"))
  button.onclick = () => { view = button.dataset.view; paint(); };
divider.oninput = place;
const held = (on) => () => stage.classList.toggle("held", on);
for (const hold of element.querySelectorAll(".hold")) {
  hold.onpointerdown = held(true);
  hold.onpointerup = hold.onpointerleave = hold.onpointercancel = hold.onblur = hold.onkeyup = held(false);
  hold.onkeydown = (event) => { if (event.key === " " || event.key === "Enter") { event.preventDefault(); held(true)(); } };
}
at(".beside").onclick = () => { beside = !stage.classList.contains("beside"); paint(); };

// Full screen is the page's own, since telephones' browsers have none for a part of a page: what is compared goes there and
// comes back, and something as high keeps its place.
const hole = document.createElement("div");

function zoom(on) {
  const { naturalWidth, naturalHeight } = at("img.before");
  const fit = Math.min(room.clientWidth / naturalWidth, room.clientHeight / naturalHeight);
  const scale = Math.max(1, LARGER * fit); // every pixel is seen
  large.classList.toggle("zoomed", on);
  stage.style.width = on ? `${scale * naturalWidth}px` : "";
  stage.style.height = on ? `${scale * naturalHeight}px` : "";
  at(".zoom").textContent = on ? "Zoom out" : "Zoom in";
  paint();
  room.scrollTo((room.scrollWidth - room.clientWidth) / 2, (room.scrollHeight - room.clientHeight) / 2);
}

function enlarge() {
  hole.style.height = `${stage.offsetHeight}px`;
  stage.replaceWith(hole);
  room.append(stage);
  large.showModal();
}

at(".full").onclick = enlarge;
at(".zoom").onclick = () => zoom(!large.classList.contains("zoomed"));
at(".close").onclick = () => large.close();
large.onclose = () => { zoom(false); hole.replaceWith(stage); };
// A finger's tap enlarges; the line is moved by dragging it. There is no click where the line's range takes the touch.
let down = null;
stage.addEventListener("pointerdown", ({ clientX, clientY }) => { down = { clientX, clientY, value: divider.value }; }, true);
stage.addEventListener("pointerup", ({ clientX, clientY, pointerType }) => {
  const moved = Math.hypot(clientX - down?.clientX, clientY - down?.clientY);
  if (pointerType !== "touch" || !(moved < STILL) || !stage.classList.contains("both")) return;
  divider.value = down.value;
  place();
  if (large.open) at(".zoom").click();
  else enlarge();
});
at("img.before").onload = place;
new ResizeObserver(place).observe(stage);

watch("value", render);
render();
