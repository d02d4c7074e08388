// Pictures to click. `element` is what Gradio rendered; `props.value` is what diat/pages/widgets/__init__.py says.
const make = (tag, classes, text) => {
  const made = document.createElement(tag);
  made.className = classes;
  if (text !== undefined) made.textContent = text;
  return made;
};
const box = element.querySelector(".pictures");
let stamp = -1;
let shown = null; // the last value
let picked = null; // last, by the visitor
let told = null; // of which the server knows that it is chosen

function choose(chosen) {
  for (const button of box.querySelectorAll("button.picture"))
    button.setAttribute("aria-pressed", String(chosen.includes(button.dataset.id)));
  told = picked = props.value.chosen = chosen;
  trigger("pick", { chosen });
}

// To those who click twice at once it is one click.
function clicked(id, again) {
  const { chosen, several } = props.value;
  const off = "optional" in box.dataset && chosen.includes(id);
  if (!several) return off && again ? undefined : choose(off ? [] : [id]);
  choose(chosen.includes(id) ? chosen.filter((other) => other !== id) : [...chosen, id]);
}

// A picture that is there already is changed where it stands: one that is being pressed must still be there to be clicked.
function picture(item) {
  const found = [...box.querySelectorAll("button.picture")].find((other) => other.dataset.id === item.id);
  const button = found || make("button", "picture");
  button.type = "button";
  button.dataset.id = item.id;
  if (item.where) button.dataset.where = item.where.join(" ");
  button.disabled = item.disabled;
  button.title = item.why || "";
  button.setAttribute("aria-pressed", String(props.value.chosen.includes(item.id)));
  const frame = button.querySelector(".frame") || make("span", "frame");
  const image = frame.querySelector("img") || make("img", "");
  if (item.image && image.getAttribute("src") !== item.image.url) image.src = item.image.url;
  image.alt = "";
  frame.replaceChildren(...(item.image ? [image] : []), ...(item.note ? [make("span", "note", item.note)] : []));
  button.replaceChildren(frame, make("span", "caption", item.caption));
  button.onclick = ({ detail }) => clicked(item.id, detail > 1);
  return button;
}

// Where they scroll, in one row or in several, they stay where they were, or show what is chosen.
function scroll(grid, left, top) {
  const edge = (part) => part.getBoundingClientRect(), all = edge(grid);
  const within = ([start, end], part) => edge(part)[start] >= all[start] && edge(part)[end] <= all[end];
  const seen = (part) => within(["left", "right"], part) && within(["top", "bottom"], part);
  const chosen = [...grid.querySelectorAll("[aria-pressed=true]")];
  grid.scrollTo(left, top);
  if (!chosen.length || chosen.some(seen)) return;
  const one = edge(chosen[0]);
  grid.scrollBy((one.left + one.right - all.left - all.right) / 2, (one.top + one.bottom - all.top - all.bottom) / 2);
}

function render() {
  const value = props.value;
  if (!value || value.stamp < stamp) return; // an older answer that came late
  stamp = value.stamp;
  if (value.same) Object.assign(value, { ...shown, stamp, chosen: value.chosen, same: false });
  // The server may leave it to the visitor, and where there is no choice yet, propose one.
  const kept = value.of && value.of === shown?.of ? told : null;
  const proposed = value.chosen ? null : picked ?? kept ?? value.at_first;
  value.chosen ??= proposed;
  if (proposed && String(proposed) !== String(told)) trigger("pick", { chosen: proposed });
  told = value.chosen;
  shown = { ...value };
  const { scrollLeft: left = 0, scrollTop: top = 0 } = box.querySelector(".grid") ?? {};
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.id : null;
  const head = make("div", "head");
  head.append(make("span", "title", value.title));
  if (value.several) {
    const usable = value.items.filter((item) => !item.disabled).map((item) => item.id);
    for (const [text, chosen] of [["All", usable], ["None", []]]) {
      const button = make("button", "small", text);
      button.type = "button";
      button.onclick = () => choose(chosen);
      head.append(button);
    }
  }
  const grid = make("div", "grid");
  grid.append(...value.items.map(picture));
  box.replaceChildren(head, grid);
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", value.title);
  box.classList.toggle("empty", value.items.length === 0);
  scroll(grid, left, top);
  if (focused) box.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

watch("value", render);
render();
