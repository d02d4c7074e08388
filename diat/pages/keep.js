// An open page asks for the files that it shows, so that the server keeps them: what nobody asks for is deleted; and for
// the photographs that others took the place of, to which Undo goes back. Where one that can be seen is gone all the same,
// the page says so.
(() => {
  const gone = new Set(), photos = new Set(); // addresses
  const shown = () => [...document.querySelectorAll('[src*="/file="], [href*="/file="]')];
  const address = (part) => part.src || part.href;
  const tell = () => {
    const sentence = document.getElementById("gone");
    if (sentence) sentence.hidden = !shown().some((part) => gone.has(address(part)) && part.checkVisibility());
  };
  const remember = () => document.querySelectorAll('#photo img[src*="/file="]').forEach(({ src }) => photos.add(src));
  const ask = () => {
    for (const file of new Set([...shown().map(address), ...photos]))
      fetch(file, { method: "HEAD" }).then(
        ({ status }) => {
          const lost = [403, 404].includes(status);
          gone[lost ? "add" : "delete"](file);
          if (lost) photos.delete(file);
          tell();
        },
        () => {}, // no answer says nothing of the file
      );
  };
  document.addEventListener("click", ({ target }) => { // who takes a photograph out wants it gone
    if (!target.closest?.('#photo [aria-label="Remove Image"]')) return;
    photos.clear();
    window.takenOut = true; // see diat/pages/photo.py
  }, true);
  setInterval(ask, 20000);
  setInterval(remember, 1000);
  setInterval(tell, 1000); // another tab of the page may be open now, or another photograph chosen
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  document.addEventListener("load", ({ target }) => gone.delete(address(target)), true); // it was chosen again
})();
