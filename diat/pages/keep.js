// An open page asks for the files that it shows, so that the server keeps them: what nobody asks for is deleted. Where
// one that can be seen is gone all the same, the page says so.
(() => {
  const gone = new Set(); // addresses
  const shown = () => [...document.querySelectorAll('[src*="/file="], [href*="/file="]')];
  const address = (part) => part.src || part.href;
  const tell = () => {
    const sentence = document.getElementById("gone");
    if (sentence) sentence.hidden = !shown().some((part) => gone.has(address(part)) && part.checkVisibility());
  };
  const ask = () => {
    for (const file of new Set(shown().map(address)))
      fetch(file, { method: "HEAD" }).then(
        ({ status }) => { [403, 404].includes(status) ? gone.add(file) : gone.delete(file); tell(); },
        () => {}, // no answer says nothing of the file
      );
  };
  setInterval(ask, 20000);
  setInterval(tell, 1000); // another tab of the page may be open now, or another photograph chosen
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  document.addEventListener("load", ({ target }) => gone.delete(address(target)), true); // it was chosen again
})();
