// Before and after. `element` is what Gradio rendered; `props.value` is what diat/pages/widgets/__init__.py says.
const at = (part) => element.querySelector(part);
const stage = at(".stage"), divider = at(".divider");
const START = 12; // percent of the width: nearly all of "after" is seen, and the line covers nothing
let stamp = -1, view = "face";

function place() {
  stage.style.setProperty("--divided", `${divider.value}%`);
  at(".label.left").classList.toggle("faint", divider.value < 22 && !stage.classList.contains("beside"));
  at(".label.right").classList.toggle("faint", divider.value > 78 && !stage.classList.contains("beside"));
}

function show(name, file) {
  const image = at("." + name);
  image.hidden = !file;
  if (file && image.getAttribute("src") !== file.url) image.src = file.url;
}

function paint() {
  const { pictures, example } = props.value;
  const pair = pictures && (pictures[view] || pictures.face || pictures.whole);
  show("before", pair && pair.before);
  show("after", pair && pair.after);
  const both = Boolean(pair && pair.after);
  stage.classList.toggle("both", both);
  at(".compare").classList.toggle("empty", !pair);
  for (const part of [".hold", ".beside", ".full"]) at(part).disabled = !both;
  for (const button of element.querySelectorAll("[data-view]")) {
    button.disabled = !pictures || !pictures.whole;
    button.setAttribute("aria-pressed", String(button.dataset.view === view));
  }
  stage.classList.toggle("example", Boolean(example));
}

function render() {
  const value = props.value;
  if (!value || value.stamp < stamp) return; // an older answer that came late
  stamp = value.stamp;
  if (value.from_start) {
    view = "face";
    divider.value = START;
  }
  paint();
  place();
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
const hold = at(".hold"), held = (on) => () => stage.classList.toggle("held", on);
hold.onpointerdown = held(true);
hold.onpointerup = hold.onpointerleave = hold.onpointercancel = hold.onblur = hold.onkeyup = held(false);
hold.onkeydown = (event) => { if (event.key === " " || event.key === "Enter") { event.preventDefault(); held(true)(); } };
at(".beside").onclick = () => {
  at(".beside").setAttribute("aria-pressed", String(stage.classList.toggle("beside")));
  place();
};
at(".full").onclick = () => (document.fullscreenElement ? document.exitFullscreen() : stage.requestFullscreen());

watch("value", render);
render();
