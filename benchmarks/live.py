"""Frames a second and latency of the live page, in real Chromium with a fake camera that shows a moving face.

    python benchmarks/live.py                       # page and server on this machine, 20 seconds
    python benchmarks/live.py --seconds 600 --screenshot live.png

Each camera frame carries its number as black and white squares along its upper edge. They are read off what the page
shows and off the camera's own picture at the same moment: the difference is the latency, from lens to screen. Memory is
the server's resident size at the start, after each minute, and at the end.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from common import option_parser, portrait, start_server
from playwright.sync_api import sync_playwright

from diat.pixels import compressed

WIDTH, HEIGHT, RATE = 640, 480, 30
BITS, SQUARE = 9, 64
FRAMES = 300
FLAGS = ["--no-sandbox", "--disable-gpu", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]

# A second view of the camera beside the page's own, since the page does not show it.
WATCH = """
async () => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  const video = document.createElement("video"); video.muted = true; video.srcObject = stream; await video.play();
  const small = document.createElement("canvas"); small.width = 160; small.height = 120;
  const context = small.getContext("2d", { willReadFrequently: true });
  const number = (source) => {
    context.drawImage(source, 0, 0, 160, 120);
    const line = context.getImageData(0, 8, 160, 1).data;
    if (line[(9 * 16 + 8) * 4] < 128) return -1;  // the tenth square is always white
    let value = 0;
    for (let bit = 0; bit < 9; bit++) if (line[(bit * 16 + 8) * 4] > 127) value |= 1 << bit;
    return value;
  };
  window.seen = [];
  setInterval(() => {
    seen.push([performance.now(), number(video), number(document.querySelector("#live-picture"))]);
  }, 15);
}
"""


def write_camera(path: Path) -> None:
    """A portrait that sways and comes nearer, every frame with its number."""
    photo = portrait()
    with path.open("wb") as file:
        for number in range(FRAMES):
            turn = 2 * np.pi * number / 100
            scale = 1.0 + 0.1 * np.sin(turn)
            matrix = cv2.getRotationMatrix2D((226, 130), 6 * np.sin(2 * turn), scale)
            matrix[:, 2] += [320 - 226 + 60 * np.sin(turn), 230 - 130 + 20 * np.cos(turn)]
            frame = np.asarray(cv2.warpAffine(photo, matrix, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT), np.uint8)
            for bit in range(BITS):
                frame[:SQUARE, bit * SQUARE : (bit + 1) * SQUARE] = 255 if number >> bit & 1 else 0
            frame[:SQUARE, BITS * SQUARE :] = 255
            file.write(compressed(frame, ".jpg", quality=90))


def memory_mib(process: int) -> float:
    """Resident size of a process."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def watched(
    address: str, camera: Path, seconds: float, attribute: str, screenshot: Path | None, each_minute: Callable[[], None]
) -> list[list[float]]:
    """(time in ms, camera's frame, shown frame) every few milliseconds."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*FLAGS, f"--use-file-for-fake-video-capture={camera}"]
        )
        page = browser.new_page(viewport={"width": 1200, "height": 900})
        page.goto(address)
        page.check("#consent input")
        page.get_by_role("tab", name="Webcam").click()
        page.select_option("#live-attribute", attribute)
        page.uncheck("#live-mirror")  # the numbers are read from left to right
        page.click("#live-start")
        page.wait_for_function("document.querySelector('#live-rate').textContent.includes('fps')", timeout=60_000)
        page.evaluate(WATCH)
        for start in range(0, math.ceil(seconds), 60):
            page.wait_for_timeout(1000 * min(60, seconds - start))
            each_minute()
        if screenshot:
            page.screenshot(path=screenshot)
        seen: list[list[float]] = page.evaluate("() => seen")
        message = page.inner_text("#live-message")
        browser.close()
    if message:
        sys.exit(f"The page stopped: {message}")
    return seen


def main() -> None:
    parser = option_parser(__doc__)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--attribute", default="mouth_close")
    parser.add_argument("--screenshot", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        camera = Path(folder) / "camera.mjpeg"
        write_camera(camera)
        server, address = start_server()
        try:
            watched(address, camera, 3, args.attribute, None, lambda: None)  # loads everything
            memory = [memory_mib(server.pid)]
            seen = watched(
                address,
                camera,
                args.seconds,
                args.attribute,
                args.screenshot,
                lambda: memory.append(memory_mib(server.pid)),
            )
        finally:
            server.terminate()
            server.wait(10)
    shown = [(time_ms, number) for time_ms, _, number in seen if number >= 0]
    changes = [b for a, b in zip(shown, shown[1:], strict=False) if a[1] != b[1]]
    rate = (len(changes) - 1) / (changes[-1][0] - changes[0][0]) * 1000
    ages = sorted(1000 / RATE * ((c - n) % FRAMES) for _, c, n in seen if c >= 0 and n >= 0)
    result = {
        "frames_per_second": round(rate, 1),
        "latency_ms_median": round(statistics.median(ages)),
        "latency_ms_95": round(ages[int(0.95 * len(ages))]),
        "looks": len(ages),
        "seconds": args.seconds,
        "memory_mib": [round(size) for size in memory],
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
