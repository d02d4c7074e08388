// What ends as soon as nobody sees it, or leaves it, any more.
(() => {
  const OUT_OF_SIGHT_SECONDS = 15; // as on the webcam's tab
  // Enter is for a number what leaving its field is: it is put between the ends that it may have.
  document.addEventListener("keydown", ({ key, target }) => {
    if (key === "Enter" && target.matches?.("input[type=number]")) target.blur();
  });
  // The camera that takes a photograph is off while another tab of the page is open, or another window.
  let since = null; // seconds
  setInterval(() => {
    const video = document.querySelector("#photo video"), now = performance.now() / 1000;
    if (!video?.srcObject?.active || (!document.hidden && video.checkVisibility())) since = null;
    else if (since === null) since = now;
    else if (now - since > OUT_OF_SIGHT_SECONDS) {
      video.srcObject.getTracks().forEach((track) => track.stop());
      document.querySelector('#photo .source-selection button[aria-label="Upload file"]')?.click();
      since = null;
    }
  }, 1000);
})();
