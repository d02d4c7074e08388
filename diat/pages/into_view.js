// Parts of the page come into view where they are not wholly on the screen, or, when something follows them on a phone
// that is to be seen too, not in its upper half. Where the page's box is to be ticked first, that comes into view; where a part
// shows what the program does, nothing has happened yet, and nothing moves.
(parts, followed) => {
  const missed = document.querySelector("#consent.missed");
  // Beside the result, where there is room, faces may be as many as they are.
  const here = (part) => innerWidth <= 640 || part.id !== "faces";
  const shown = missed ? [missed] : [...document.querySelectorAll(parts)].filter(here);
  if (!shown.length || shown.some((part) => part.querySelector(".example"))) return;
  const edge = (part) => part.getBoundingClientRect();
  const first = shown.reduce((one, other) => (edge(other).top < edge(one).top ? other : one));
  const { top } = edge(first), bottom = Math.max(...shown.map((part) => edge(part).bottom));
  if (top >= 0 && (followed && innerWidth <= 640 ? top <= 0.5 * innerHeight : bottom <= innerHeight)) return;
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  first.scrollIntoView({ behavior, block: "start" });
}
