// "Upload" at a photograph opens the choice of files, as it says: Gradio's only empties the box.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.('#photo .source-selection button[aria-label="Upload file"]');
  if (!button) return;
  const input = () => document.querySelector('#photo input[type="file"]');
  if (input()) {
    event.stopPropagation();
    input().click();
    return;
  }
  // From the camera, or with a photograph there, the box must be emptied first.
  const until = Date.now() + 3000;
  const open = () => (input() ? input().click() : Date.now() < until && setTimeout(open, 50));
  setTimeout(open, 50);
}, true);
