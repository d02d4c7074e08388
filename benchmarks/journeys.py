"""What a visitor sees on the way: ten journeys through the page in real Chromium, each step as a screenshot.

    python benchmarks/journeys.py shots/                                  # at 1400 and 390 pixels, light and dark
    python benchmarks/journeys.py shots/ --width 390 --scheme dark --only film,batch

Beside the pictures it prints, for each width and scheme, the largest contentful paint with an empty cache in
milliseconds and the layout shift while the page loads, of each visit; and of each journey the seconds and the layout
shift after that, which no click explains (Lighthouse calls up to 2,500 ms and 0.1 good).
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import av
import numpy as np
from common import ROOT, option_parser, start_server
from live import FLAGS, write_camera
from playwright.sync_api import Browser, Page, expect, sync_playwright

from diat.pages.photo_shown import PICK_NEXT
from diat.photo import open_photo
from diat.pixels import U8, save_image

HEIGHTS = {390: 844}  # of a phone's window; any other is 900 high
SLOW = 180_000  # milliseconds
BATCH, BAD = 20, 2
Scheme = Literal["light", "dark"]
WATCH = """
window.jumps = 0;
new PerformanceObserver((list) => {
  for (const e of list.getEntries()) if (!e.hadRecentInput) window.jumps += e.value;
}).observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => { window.painted = list.getEntries().at(-1).startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true });
"""


class Visit:
    """One visitor on one journey.

    Args:
        page: just opened.
        inputs: folder of what is uploaded.
        shots: what the screenshots' names begin with.
    """

    def __init__(self, page: Page, inputs: Path, shots: str) -> None:
        self.page, self._inputs, self._shots, self._step = page, inputs, shots, 0

    def shoot(self, what: str) -> None:
        """What is on the screen now."""
        self.page.wait_for_timeout(700)  # it scrolls smoothly
        self._step += 1
        self.page.screenshot(path=f"{self._shots}-{self._step}-{what}.png")

    def agree(self) -> None:
        """Tick the page's box."""
        self.page.locator("#consent input").check()

    def give(self, part: str, *names: str) -> None:
        """Upload files."""
        files = [str(self._inputs / name) for name in names]
        self.page.locator(f"#{part} input[type=file]").first.set_input_files(files)

    def tab(self, name: str) -> None:
        """Open a tab."""
        self.page.get_by_role("tab", name=name, exact=True).click()

    def see(self, part: str, words: str) -> None:
        """Wait for words."""
        expect(self.page.locator(part)).to_contain_text(words, timeout=SLOW)

    def result(self, words: str = "recognisable") -> None:
        """Wait for a result, and for every change as a picture."""
        self.see("#result .message", words)
        expect(self.page.locator("#effects img").nth(4)).to_be_visible(timeout=SLOW)

    def pick(self, attribute: str, words: str = "") -> None:
        """Click a change and wait for another picture, or for words."""
        after = self.page.locator("#result img.after")
        old = after.get_attribute("src") or ""
        self.page.locator(f"#effects button[data-id={attribute}]").click()
        if words:
            self.see("#result .message", words)
        else:
            expect(after).not_to_have_attribute("src", old, timeout=SLOW)


def upload(v: Visit) -> None:
    v.shoot("first")
    v.give("photo", "hopper.jpg")
    v.see("#result .message", "consent")
    v.shoot("not-agreed")
    v.agree()
    v.result()
    v.shoot("result")


def group(v: Visit) -> None:
    v.agree()
    v.give("photo", "group.jpg")
    v.result()
    v.shoot("faces")
    v.pick("older_to_younger")
    v.page.locator("#faces button.picture").first.click()
    v.see("#result .message", "Faces 1 and 2:")
    v.page.get_by_role("button", name="Whole photo").first.click()
    v.shoot("two")


def glasses(v: Visit) -> None:
    v.agree()
    v.give("photo", "collins.jpg")
    v.result()
    v.pick("eyeglasses_remove", "No glasses found")
    v.shoot("none")


def example(v: Visit) -> None:
    v.page.locator("#examples button.picture").nth(2).click()
    v.result()
    v.shoot("result")


def phone(v: Visit) -> None:
    v.agree()
    v.page.locator("#photo").get_by_label("Capture from camera").click()
    v.page.wait_for_function("() => document.querySelector('#photo video')?.videoWidth > 0", timeout=SLOW)
    v.page.wait_for_timeout(1000)
    v.shoot("camera")
    v.page.locator("#photo").get_by_label("capture photo").click()
    v.result()
    v.shoot("result")


def live(v: Visit) -> None:
    v.tab("Webcam")
    v.shoot("before")
    v.agree()
    v.page.click("#live-start")
    v.page.wait_for_function("document.querySelector('#live-rate').textContent.includes('fps')", timeout=SLOW)
    v.page.locator("#live-stage").scroll_into_view_if_needed()
    v.shoot("running")
    v.page.check("#live-beside")
    v.shoot("beside")


def film(v: Visit) -> None:
    v.tab("Video")
    v.agree()
    v.give("film", "film.mp4")
    expect(v.page.locator("#film-attribute-effects img").nth(4)).to_be_visible(timeout=SLOW)
    v.shoot("given")
    v.page.click("#film-preview")
    v.see("#film-compare .message", "Second")
    v.shoot("preview")
    v.page.locator("#film-end input").fill("0.4")
    v.page.locator("#film-beside input").check()
    v.page.click("#film-run")
    v.see("#film-message", "Done")
    expect(v.page.locator("#film-result video")).to_be_visible(timeout=SLOW)
    v.shoot("done")


def batch(v: Visit) -> None:
    v.tab("Batch")
    v.agree()
    v.give("many-photos", *(f"{number:02d}.jpg" for number in range(BATCH)))
    expect(v.page.locator("#many-attribute-effects img").nth(4)).to_be_visible(timeout=SLOW)
    v.shoot("given")
    v.page.click("#many-run")
    v.see("#many-message", f" of {BATCH} photos changed")
    v.shoot("done")


def stack(v: Visit) -> None:
    v.agree()
    v.give("photo", "hopper.jpg")
    v.result()
    v.pick("eyeglasses_remove")
    v.page.click("#keep")
    v.see("#result .message", PICK_NEXT)
    v.see("#effects", "What to add")
    v.shoot("kept")
    v.pick("older_to_younger")
    v.see("#steps", "Younger")
    v.shoot("two")
    v.page.click("#undo")
    expect(v.page.locator("#steps")).not_to_contain_text("Younger", timeout=SLOW)
    v.shoot("undone")


def download(v: Visit) -> None:
    v.page.locator("#examples button.picture").first.click()
    v.result()
    with v.page.expect_download(timeout=SLOW):
        v.page.click("#download")
    v.shoot("downloaded")


JOURNEYS: dict[str, Callable[[Visit], None]] = {
    function.__name__: function
    for function in (upload, group, glasses, example, phone, live, film, batch, stack, download)
}


def make_inputs(folder: Path) -> None:
    """What the visitors bring, made of the two portraits."""
    portraits = (ROOT / "examples" / f"{name}.jpg" for name in ("eileen_collins", "grace_hopper"))
    collins, hopper = (open_photo(path).pixels[:512] for path in portraits)
    save_image(folder / "collins.jpg", collins)
    save_image(folder / "hopper.jpg", hopper)
    save_image(folder / "group.jpg", np.concatenate([collins, hopper, np.ascontiguousarray(collins[:, ::-1])], axis=1))
    for number in range(BATCH):
        picture = np.full_like(collins, 128) if number < BAD else (collins, hopper)[number % 2]
        save_image(folder / f"{number:02d}.jpg", picture)
    _write_film(folder / "film.mp4", collins)


def _write_film(path: Path, picture: U8) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = picture.shape[:2]
        stream.pix_fmt = "yuv420p"
        for number in range(25):
            frame = av.VideoFrame.from_ndarray(np.roll(picture, number, axis=1), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def travelled(
    browser: Browser, address: str, inputs: Path, shots: Path, width: int, scheme: Scheme, only: list[str]
) -> None:
    """All journeys at one width and in one scheme."""
    painted, loading, of_journeys = [], [], {}
    for name in only:
        context = browser.new_context(
            permissions=["camera"], viewport={"width": width, "height": HEIGHTS.get(width, 900)},
            color_scheme=scheme, has_touch=width in HEIGHTS,
        )  # fmt: skip
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(address)
        expect(page.locator("#photo")).to_be_visible(timeout=SLOW)
        page.wait_for_timeout(1500)
        painted.append(round(page.evaluate("window.painted")))
        loading.append(round(page.evaluate("[window.jumps, (window.jumps = 0)][0]"), 3))
        begun, visit = time.monotonic(), Visit(page, inputs, str(shots / f"{width}-{scheme}-{name}"))
        try:
            JOURNEYS[name](visit)
        except AssertionError as error:
            visit.shoot("stuck")
            print(f"{width} {scheme} {name}: {str(error).splitlines()[0]}", file=sys.stderr)
        of_journeys[name] = {
            "seconds": round(time.monotonic() - begun, 1),
            "layout_shift": round(page.evaluate("window.jumps"), 3),
        }
        context.close()
    on_loading = {"largest_paint_ms": sorted(painted), "layout_shift": sorted(loading)}
    print(json.dumps({"width": width, "scheme": scheme, "loading": on_loading, "journeys": of_journeys}), flush=True)


def main() -> None:
    parser = option_parser(__doc__)
    parser.add_argument("shots", type=Path, help="folder of the screenshots")
    parser.add_argument("--width", type=int, nargs="+", default=[1400, 390])
    parser.add_argument("--scheme", nargs="+", choices=["light", "dark"], default=["light", "dark"])
    parser.add_argument("--only", default=",".join(JOURNEYS), help="names of journeys, such as film,batch")
    args = parser.parse_args()
    args.shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        inputs = Path(folder)
        make_inputs(inputs)
        write_camera(inputs / "camera.mjpeg")
        server, address = start_server()
        flags = [*FLAGS, f"--use-file-for-fake-video-capture={inputs / 'camera.mjpeg'}"]
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        try:
            for width in args.width:
                for scheme in args.scheme:
                    travelled(browser, address, inputs, args.shots, width, scheme, args.only.split(","))
        finally:
            browser.close()
            server.terminate()
            server.wait(20)


if __name__ == "__main__":
    main()
