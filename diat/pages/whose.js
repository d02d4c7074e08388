// Of several faces the photograph shows which is whose: their numbers, which choose as the crops do, as do the faces
// themselves, and a ring around the one that the pointer or the keyboard is at. They lie over the page's pictures, and no file has them.
(() => {
  const SIZE = 18; // pixels of a number
  const STILL = 8; // pixels that a press moves at most in a click
  const ROOM = 0.15; // of the face's width between it and its ring
  const crops = () => [...document.querySelectorAll("#faces button.picture[data-where]")];
  let known = "", photo = ""; // the crops' pictures, and the address of the photograph that came with them
  let at = null; // the crop that is pointed at

  function layer(parent) {
    const found = parent.querySelector(":scope > .whose");
    return found || parent.appendChild(Object.assign(document.createElement("div"), { className: "whose", ariaHidden: "true" }));
  }

  // Where the pixels of a picture are, relative to what it lies in.
  function placed(image, parent) {
    const box = image.getBoundingClientRect(), around = parent.getBoundingClientRect();
    const fit = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
    const scale = getComputedStyle(image).objectFit === "scale-down" ? Math.min(fit, 1) : fit;
    const width = scale * image.naturalWidth, height = scale * image.naturalHeight;
    const left = box.left - around.left + (box.width - width) / 2 - parent.clientLeft;
    return { left, top: box.top - around.top + (box.height - height) / 2 - parent.clientTop, width, height };
  }

  // One that is there already is moved: what is pressed, while a result comes, is still there to be clicked, words and all.
  function part(within, id, classes, left, top, width, height, text = "") {
    const found = within.querySelector(`:scope > [data-id="${id}"]`), made = found || document.createElement("span");
    if (!found) within.append(made);
    made.dataset.id = id;
    made.className = classes;
    if (made.textContent !== text) made.textContent = text;
    Object.assign(made.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
    return made;
  }

  function marks(crop, within, picture) {
    const [x, y, w, h] = crop.dataset.where.split(" ").map(Number), { id } = crop.dataset;
    const left = picture.left + x * picture.width, top = picture.top + y * picture.height;
    const width = w * picture.width, height = h * picture.height, room = ROOM * width + 2;
    const across = Math.max(left - 0.7 * SIZE, picture.left), down = Math.max(top - 0.7 * SIZE, picture.top);
    const chosen = crop.getAttribute("aria-pressed") === "true" ? " chosen" : "", off = crop.disabled ? " off" : "";
    const [text] = crop.querySelector(".caption").textContent.match(/\d+/);
    const number = part(within, id, `number${chosen}${off}`, across, down, SIZE, SIZE, text);
    number.title = crop.title;
    const face = part(within, `face ${id}`, "face", left, top, width, height);
    if (id !== at) return [number, face];
    return [face, part(within, "ring", "ring", left - room, top - room, width + 2 * room, height + 2 * room), number];
  }

  function draw() {
    const all = crops(), image = document.querySelector("#photo .image-frame img, #photo img");
    const pictures = all.map((crop) => crop.querySelector("img")?.src).join();
    if (pictures !== known) [known, photo] = [pictures, image?.src];
    for (const [parent, shown] of [
      [document.getElementById("photo"), image?.src === photo && image],
      [document.querySelector("#result .stage"), document.querySelector('#result .stage[data-shown="whole"] .before')],
    ]) {
      const seen = all.length > 1 && shown && shown.naturalWidth && shown.checkVisibility();
      if (!parent || (!seen && !parent.querySelector(":scope > .whose"))) continue;
      const within = layer(parent), kept = seen ? all.flatMap((crop) => marks(crop, within, placed(shown, parent))) : [];
      for (const mark of [...within.children]) if (!kept.includes(mark)) mark.remove();
    }
    watcher.takeRecords(); // its own work
  }

  let asked = 0;
  const soon = () => { cancelAnimationFrame(asked); asked = requestAnimationFrame(draw); };
  const watcher = new MutationObserver(soon);
  const attributeFilter = ["src", "class", "aria-pressed", "data-shown", "hidden"];
  watcher.observe(document, { subtree: true, childList: true, attributes: true, attributeFilter });
  document.addEventListener("load", soon, true);
  addEventListener("resize", soon);
  // A number is its crop's other button, and the photograph under it is neither opened nor compared.
  for (const type of ["pointerdown", "mousedown", "touchstart", "pointerup", "click"])
    document.addEventListener(type, (event) => {
      const number = event.target.closest?.(".whose .number");
      if (!number) return;
      event.stopPropagation();
      if (type === "click") crops().find((crop) => crop.dataset.id === number.dataset.id)?.click();
    }, { capture: true, passive: true });
  // Where a face is clicked, and the line over it not dragged.
  function faceAt({ target, clientX: x, clientY: y }) {
    const over = target.matches?.("img, .divider") && target.closest("#photo, #result .stage");
    return [...(over || document.createElement("i")).querySelectorAll(":scope > .whose .face")].find((face) => {
      const { left, right, top, bottom } = face.getBoundingClientRect();
      return left <= x && x <= right && top <= y && y <= bottom;
    });
  }
  const line = () => document.querySelector("#result .divider");
  const cropOf = (face) => crops().find((crop) => `face ${crop.dataset.id}` === face.dataset.id);
  let pressed, over; // the face that a press began on, and the one under the mouse
  document.addEventListener("pointerdown", (event) => {
    const face = faceAt(event), { clientX, clientY } = event;
    pressed = face && { face, clientX, clientY, value: line().value };
  }, true);
  document.addEventListener("pointerup", (event) => {
    const began = pressed;
    pressed = undefined;
    const moved = Math.hypot(event.clientX - began?.clientX, event.clientY - began?.clientY);
    if (!(moved < STILL) || faceAt(event) !== began.face) return;
    event.stopPropagation(); // the photograph is not opened
    line().value = began.value; // nor the line moved
    line().dispatchEvent(new Event("input"));
    cropOf(began.face)?.click();
  }, true);
  document.addEventListener("pointermove", (event) => {
    const face = event.pointerType === "mouse" ? faceAt(event) : undefined;
    if (face === over) return;
    over?.closest(".whose").parentElement.classList.remove("on-face");
    face?.closest(".whose").parentElement.classList.add("on-face");
    over = face;
    at = face ? cropOf(face)?.dataset.id : null;
    soon();
  }, true);
  for (const [event, on] of [["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false]])
    document.addEventListener(event, ({ target }) => {
      const crop = target.closest?.("#faces button.picture, .whose .number");
      if (!crop) return;
      at = on ? crop.dataset.id : null;
      soon();
    });
})();
