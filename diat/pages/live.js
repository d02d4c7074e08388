// The live page: camera -> JPEG -> server -> canvas, with two frames in flight. `element` is what Gradio rendered.
const at = (id) => element.querySelector("#live-" + id);
const IN_FLIGHT = 2; // the server begins one while it finishes the other; more would only wait in line
const SNAPSHOT = 1, UNCHANGED = 2; // what a reply's first byte says, added up
const WIDTH = 640;
const OUT_OF_SIGHT_SECONDS = 15; // then the camera is switched off
// Behind a proxy the page may live under a prefix.
const root = new URL(window.gradio_config?.root || "/", location.href).pathname.replace(/\/?$/, "/");
const address = (path) => new URL(root + path, location.href);
// Names this viewer's frames where they are posted; nobody else can guess it.
const session = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
const grab = document.createElement("canvas"); // what the camera sees
const film = document.createElement("canvas"); // what came back, as it is saved
const video = at("camera-picture");
const TELLS = Boolean(video.requestVideoFrameCallback); // when the camera has another picture
const agreed = () => Boolean(document.querySelector("#consent input")?.checked); // the page's own box

let recorder = null, begun = 0, recorded = new Set(); // since when, and what was changed meanwhile
let stream = null, socket = null, waiting = 0, number = 0, byPost = false, keep = false;
let inSight = true, hiddenTimer = null;
let unsent = false; // the camera has a picture that was not sent yet
let sent = new Map(); // number -> when
let shown = []; // when the last frames were shown, and how old they were

const say = (sentence) => { at("message").textContent = sentence; };
// Of the frames, over the picture, and for screen readers.
const notice = (sentence) => {
  if (at("notice").textContent !== sentence) at("notice").textContent = at("heard").textContent = sentence;
};
const settings = () => ({
  attribute: at("attribute").value, strength: Number(at("strength").value), faces: at("faces").value,
  consent: agreed(), beside: at("beside").checked,
});
const tell = () => {
  const strength = at("strength");
  at("strength-shown").textContent = strength.value;
  strength.style.setProperty("--range_progress", `${(100 * strength.value) / strength.max}%`);
  if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(settings()));
};

async function openCamera() {
  const camera = at("camera").value;
  const chosen = ["user", "environment"].includes(camera) ? { facingMode: camera } : { deviceId: { exact: camera } };
  const wanted = { width: { ideal: WIDTH }, height: { ideal: 480 }, ...chosen };
  const opened = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
  if (stream) stream.getTracks().forEach((track) => track.stop());
  stream = opened;
  stream.getVideoTracks()[0].onended = () => stop("The camera was unplugged, or another program took it.");
  video.srcObject = stream;
  await video.play();
  const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((d) => d.kind === "videoinput");
  const current = stream.getVideoTracks()[0].getSettings().deviceId;
  at("camera").replaceChildren(...cameras.map((c, i) => new Option(c.label || `Camera ${i + 1}`, c.deviceId)));
  at("camera").value = current;
}

function connect() {
  const url = address("live");
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const opened = new WebSocket(url);
  let answered = false;
  opened.binaryType = "arraybuffer";
  opened.onopen = () => { answered = true; tell(); };
  opened.onmessage = (event) => received(event.data);
  opened.onclose = () => {
    if (socket !== opened) return; // it was this page that closed it
    socket = null;
    if (answered) stop("The server closed the connection. Start again.");
    else byPost = true; // WebSockets are blocked on the way
  };
  socket = opened;
}

async function start() {
  at("start").disabled = true;
  say("");
  try {
    if (!navigator.mediaDevices) throw new DOMException("", "SecurityError");
    await openCamera();
  } catch (error) {
    const why = {
      NotAllowedError: "The browser blocked the camera. Allow it in the address bar.",
      NotFoundError: "No camera found.",
      NotReadableError: "Another program is using the camera. Close it there first.",
      SecurityError: "Cameras only work over https:// or on localhost.",
    }[error.name] || `The camera could not be opened (${error.name}).`;
    stop(why);
    return;
  }
  at("start").textContent = "Stop camera";
  at("stage").classList.add("running");
  at("view").scrollIntoView({ block: "nearest" }); // on a low screen
  at("start").disabled = false;
  at("snapshot").disabled = at("record").disabled = false;
  byPost = false;
  sent.clear();
  shown = [];
  connect();
  pictured();
}

// The camera has another picture; where a browser does not tell, it may have.
function pictured() {
  unsent = true;
  send();
  waiting = TELLS ? video.requestVideoFrameCallback(pictured) : setTimeout(pictured, 20);
}

function stop(sentence) {
  if (TELLS) video.cancelVideoFrameCallback(waiting);
  else clearTimeout(waiting);
  const open = socket;
  socket = null;
  if (open) open.close();
  if (stream) stream.getTracks().forEach((track) => track.stop());
  stream = null;
  keep = false;
  sent.clear();
  at("start").textContent = "Start camera";
  at("start").disabled = !agreed();
  if (recorder) recorder.stop();
  at("snapshot").disabled = at("record").disabled = true;
  at("rate").textContent = "";
  notice("");
  say(sentence || "The camera is off.");
}

function send() {
  const ready = byPost || (socket && socket.readyState === WebSocket.OPEN);
  if (!stream || !unsent || !ready || document.hidden || !(inSight || keep) || sent.size >= (byPost ? 1 : IN_FLIGHT) || !video.videoWidth) return;
  const scale = Math.min(1, WIDTH / video.videoWidth);
  const width = Math.round(video.videoWidth * scale), height = Math.round(video.videoHeight * scale);
  if (grab.width !== width || grab.height !== height) { grab.width = width; grab.height = height; }
  grab.getContext("2d").drawImage(video, 0, 0, width, height);
  unsent = false;
  number = (number + 1) % 2 ** 32;
  const mine = number, started = performance.now();
  sent.set(mine, started);
  grab.toBlob(async (jpeg) => {
    if (!jpeg || !stream) return sent.delete(mine);
    if (byPost) return post(mine, jpeg);
    const head = new ArrayBuffer(4);
    new DataView(head).setUint32(0, mine);
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(new Blob([head, jpeg]));
  }, "image/jpeg", 0.85);
}

async function post(mine, jpeg) {
  const query = new URLSearchParams({ ...settings(), session, ...(keep ? { snapshot: true } : {}) });
  try {
    const reply = await fetch(address("live/frame?" + query), { method: "POST", body: jpeg });
    if (!reply.ok) return stop((await reply.json()).error);
    notice(reply.headers.get("Live-Notice") || "");
    const picture = await reply.blob(), changed = reply.headers.get("Live-Changed") === "yes";
    if (keep) { keep = false; save(picture, named(changed)); }
    await show(mine, picture, changed);
  } catch (error) {
    stop("The server cannot be reached. Start again.");
  }
}

async function received(data) {
  if (typeof data === "string") {
    const said = JSON.parse(data);
    return "notice" in said ? notice(said.notice) : stop(said.error);
  }
  const view = new DataView(data), picture = new Blob([data.slice(5)]);
  const what = view.getUint8(0), changed = !(what & UNCHANGED);
  if (what & SNAPSHOT) {
    keep = false;
    return save(new Blob([data.slice(5)], { type: "image/png" }), named(changed));
  }
  await show(view.getUint32(1), picture, changed);
}

async function show(mine, picture, changed) {
  const started = sent.get(mine);
  for (const other of sent.keys()) if (other <= mine) sent.delete(other); // the server dropped those before
  send();
  if (started === undefined) return;
  const image = await createImageBitmap(picture);
  if (!stream) return image.close(); // it was stopped meanwhile
  for (const canvas of [at("picture"), film])
    if (canvas.width !== image.width || canvas.height !== image.height) { canvas.width = image.width; canvas.height = image.height; }
  film.getContext("2d").drawImage(image, 0, 0);
  if (recorder) {
    named(changed).forEach((change) => recorded.add(change));
    const seconds = Math.floor((performance.now() - begun) / 1000);
    at("time").textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }
  image.close();
  paint();
  const now = performance.now();
  shown.push([now, now - started]);
  while (shown.length && now - shown[0][0] > 2000) shown.shift();
  const age = shown.map((s) => s[1]).sort((a, b) => a - b)[Math.floor(shown.length / 2)];
  const rate = shown.length > 1 ? (1000 * (shown.length - 1)) / (now - shown[0][0]) : 0;
  at("rate").textContent = `${rate.toFixed(0)} fps, ${age.toFixed(0)} ms delay` + (byPost ? " (no WebSocket)" : "");
}

// A mirror on the page alone: each picture stays where it is, and is turned. The words over them are in no file.
function paint() {
  const picture = at("picture").getContext("2d"), count = film.width > grab.width ? 2 : 1, width = film.width / count;
  at("stage").classList.toggle("beside", count === 2);
  for (let place = 0; place < count; place++) {
    const left = place * width;
    if (at("mirror").checked) picture.setTransform(-1, 0, 0, 1, 2 * left + width, 0);
    picture.drawImage(film, left, 0, width, film.height, left, 0, width, film.height);
    picture.resetTransform();
  }
}

// What files' names call the change, if it was made.
const named = (changed) => (changed ? [at("attribute").selectedOptions[0].dataset.file] : []);

function save(file, changes, ending = "png") {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `${["webcam", ...changes].join("-")}.${ending}`;
  link.click();
  say(`${stream ? "" : at("message").textContent} Saved as ${link.download}.`.trim()); // after why the camera stopped
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// The pictures that came back, mark and all, as a film.
function record() {
  if (recorder) return recorder.stop();
  const parts = [];
  recorder = new MediaRecorder(film.captureStream());
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.onstop = () => {
    const type = recorder.mimeType;
    recorder = null;
    at("record").textContent = "Record";
    at("beside").disabled = false;
    at("recording").hidden = true;
    save(new Blob(parts, { type }), recorded, type.includes("mp4") ? "mp4" : "webm");
  };
  recorder.start();
  begun = performance.now();
  recorded = new Set();
  at("time").textContent = "0:00";
  at("recording").hidden = false;
  at("record").textContent = "Stop recording";
  at("beside").disabled = true; // a film keeps its size
}

const ready = () => {
  at("start").disabled = !agreed();
  at("hint").textContent = agreed() ? "Start the camera." : "Tick the box at the top of the page, then start the camera.";
};
document.addEventListener("change", (event) => {
  if (!event.target.closest?.("#consent")) return;
  if (stream && !agreed()) stop("The camera was switched off, because the box at the top is no longer ticked.");
  ready();
});
ready();
tell();
at("record").onclick = record;
at("full").onclick = () => (document.fullscreenElement ? document.exitFullscreen() : at("stage").requestFullscreen());
at("start").onclick = () => (stream ? stop("") : start());
at("camera").onchange = () => stream && openCamera().catch((error) => stop(`This camera could not be opened (${error.name}).`));
for (const setting of ["attribute", "faces", "beside"]) at(setting).onchange = tell;
at("strength").oninput = tell;
at("snapshot").onclick = () => {
  if (!byPost && (!socket || socket.readyState !== WebSocket.OPEN)) return;
  keep = true; // so that a frame is sent for it even where the picture is scrolled out of sight, as on a phone
  if (!byPost) socket.send(JSON.stringify({ snapshot: true }));
};

// A camera that nobody looks at is switched off.
const sight = () => {
  clearTimeout(hiddenTimer);
  if (!stream || (inSight && !document.hidden)) return;
  hiddenTimer = setTimeout(
    () => stream && stop("The camera was switched off because the page was out of sight."), 1000 * OUT_OF_SIGHT_SECONDS);
};
new IntersectionObserver((entries) => { inSight = entries.at(-1).isIntersecting; sight(); }).observe(at("stage"));
document.addEventListener("visibilitychange", sight);
