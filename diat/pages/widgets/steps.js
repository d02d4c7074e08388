// What is on the photograph. `element` is what Gradio rendered; `props.value` is what diat/pages/widgets/__init__.py says.
const list = element.querySelector(".steps");
let stamp = -1;

function step([number, caption], place) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "small";
  button.textContent = `${caption} \u00d7`;
  button.setAttribute("aria-label", `Take away: ${caption}`);
  button.title = "Take away";
  button.onclick = () => trigger("pick", { chosen: [String(number)] });
  const shown = document.createElement("span"); // the sign stays with what it adds
  shown.append(...(place ? ["+ ", button] : [button]));
  return shown;
}

function render() {
  const value = props.value;
  if (!value || value.stamp < stamp) return; // an older answer that came late
  stamp = value.stamp;
  const title = Object.assign(document.createElement("span"), { className: "title", textContent: "On the photo: " });
  list.replaceChildren(title, ...value.steps.map(step));
  list.classList.toggle("empty", value.steps.length === 0);
}

watch("value", render);
render();
