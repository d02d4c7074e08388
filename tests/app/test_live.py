"""The live page in a real browser, with a film for a camera."""

from __future__ import annotations

import base64
import io

import av
import cv2
import numpy as np
from PIL import Image
from playwright.sync_api import Page, expect

from diat.pages.live_session import NO_FACE
from diat.provenance import is_marked

RATE = "document.querySelector('#live-rate').textContent.includes('fps')"


def start(page: Page) -> None:
    page.get_by_role("tab", name="Webcam").click()
    page.check("#consent input")
    page.click("#live-start")
    page.wait_for_function(RATE, timeout=60_000)


def picture(page: Page) -> np.ndarray:
    """What the page shows, (H, W, 3)."""
    url = page.evaluate("document.querySelector('#live-picture').toDataURL()")  # PNG
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB"))


def test_the_mirror_shows_the_camera_changed_and_a_stop_stops(page, shoot):
    start(page)
    assert picture(page).shape == (480, 640, 3)
    assert picture(page).std() > 20
    page.select_option("#live-attribute", "mouth_open")
    page.wait_for_timeout(1000)
    assert "fps" in page.inner_text("#live-rate")
    shoot("live")
    page.click("#live-start")
    assert page.inner_text("#live-start") == "Start camera"
    assert page.inner_text("#live-rate") == ""
    before = picture(page)
    page.wait_for_timeout(500)
    np.testing.assert_array_equal(picture(page), before)


def test_nothing_starts_before_the_box_is_ticked(page):
    page.get_by_role("tab", name="Webcam").click()
    assert page.is_disabled("#live-start")
    assert "Tick the box" in page.inner_text("#live-hint")
    page.check("#consent input")
    assert page.is_enabled("#live-start")
    assert page.inner_text("#live-hint") == "Start the camera."
    start(page)
    page.uncheck("#consent input")
    assert "switched off" in page.inner_text("#live-message")
    assert page.is_disabled("#live-start")


def test_a_snapshot_and_a_recording_are_as_others_see_the_viewer_and_the_page_is_a_mirror(page, collins, shoot):
    start(page)
    page.check("#live-beside")
    page.wait_for_function("document.querySelector('#live-picture').width === 1280")
    for word in ("Before", "After"):  # over the picture, not in it
        expect(page.locator("#live-stage").get_by_text(word, exact=True)).to_be_visible()
    shoot("beside")
    page.click("#live-record")
    expect(page.locator("#live-beside")).to_be_disabled()
    expect(page.locator("#live-recording")).to_have_text("Recording 0:01")
    shoot("recording")
    page.wait_for_timeout(500)
    with page.expect_download() as download:
        page.click("#live-record")
    assert download.value.suggested_filename == "webcam-close-mouth.webm"
    assert download.value.path().read_bytes().startswith(b"\x1a\x45\xdf\xa3")  # Matroska, as WebM is
    with av.open(str(download.value.path())) as film:
        recorded = next(film.decode(video=0)).to_ndarray(format="rgb24")
    assert recorded.shape == (480, 1280, 3)
    assert download.value.suggested_filename.startswith("webcam-close-mouth.")
    expect(page.locator("#live-recording")).not_to_be_visible()
    with page.expect_download() as download:
        page.click("#live-snapshot")
    kept = np.asarray(Image.open(download.value.path()).convert("RGB"))
    camera_frame = cv2.resize(collins, (480, 480))
    shown = picture(page)
    page.uncheck("#live-mirror")
    page.wait_for_timeout(500)
    for both, is_mirrored in ((recorded, False), (kept, False), (shown, True), (picture(page), False)):
        original, edited = both[:, 80:560].astype(int), both[:, 720:1200].astype(int)  # the original at the left
        mirrored, as_it_came = (np.abs(original - one).mean() for one in (camera_frame[:, ::-1], camera_frame))
        one, other = (mirrored, as_it_came) if is_mirrored else (as_it_came, mirrored)
        assert one < 0.7 * other  # the camera shakes a little
        assert np.abs(original - edited).max() > 30 > 3 * np.abs(original - edited).mean()


def test_a_picture_can_be_kept_and_is_marked_as_edited(page):
    start(page)
    page.set_viewport_size({"width": 390, "height": 200})
    page.locator("footer").scroll_into_view_if_needed()
    expect(page.locator("#live-picture")).not_to_be_in_viewport()  # where no frames are sent but for this
    page.wait_for_timeout(500)
    with page.expect_download() as download:
        page.locator("#live-snapshot").dispatch_event("click")
    assert download.value.suggested_filename == "webcam-close-mouth.png"
    expect(page.get_by_role("status").filter(has_text="Saved as webcam-close-mouth.png.")).to_be_visible()
    data = download.value.path().read_bytes()
    assert data.startswith(b"\x89PNG")
    assert is_marked(data)
    page.locator("#live-strength").fill("0")
    for part in ("snapshot", "record"):  # of what was not changed
        with page.expect_download() as download:
            page.wait_for_timeout(700)
            page.locator(f"#live-{part}").dispatch_event("click")
            if part == "record":
                page.wait_for_timeout(700)
                page.locator("#live-record").dispatch_event("click")
        assert download.value.suggested_filename.split(".")[0] == "webcam"


def test_on_a_phone_the_picture_and_its_buttons_are_in_view_together(page, shoot):
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.locator("#title .sight")).to_be_visible()
    start(page)
    expect(page.locator("#title .sight")).not_to_be_visible()  # it would push them down
    together = [page.locator(f"#live-{part}") for part in ("stage", "start", "snapshot", "record", "full")]
    for part in together:
        expect(part).to_be_in_viewport(ratio=1)
    shoot("phone")
    page.locator("#live-camera").scroll_into_view_if_needed()
    page.mouse.move(200, 700)
    page.mouse.wheel(0, 200)
    for part in together[1:]:
        expect(part).to_be_in_viewport(ratio=1)
    expect(together[0]).to_be_in_viewport(ratio=0.5)


def test_an_unplugged_camera_is_one_sentence(page):
    page.add_init_script(
        """const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (w) => (window.camera = await get(w));"""
    )
    page.reload()
    page.wait_for_selector("#photo")
    start(page)
    page.evaluate("camera.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    assert "unplugged" in page.inner_text("#live-message")
    assert page.inner_text("#live-start") == "Start camera"


def test_another_camera_takes_the_place_of_the_first_and_frees_it(chromium, server):
    browser = chromium("--use-fake-device-for-media-stream=device-count=2")
    page = browser.new_context(permissions=["camera"]).new_page()
    page.add_init_script(
        """window.cameras = []; const get = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (w) => { cameras.push(await get(w)); return cameras.at(-1); };"""
    )
    page.goto(server)
    page.wait_for_selector("#photo")
    start(page)
    choices = page.eval_on_selector_all("#live-camera option", "options => options.map((o) => o.value)")
    assert len(choices) == 2
    other = next(choice for choice in choices if choice != page.input_value("#live-camera"))
    page.select_option("#live-camera", other)
    page.wait_for_function("cameras.length === 2")
    page.wait_for_function("cameras[0].getVideoTracks()[0].readyState === 'ended'", timeout=1000)
    assert page.input_value("#live-camera") == other
    page.evaluate("document.querySelector('#live-rate').textContent = ''")
    page.wait_for_function(RATE)  # frames still come
    page.wait_for_function("document.querySelector('#live-notice').textContent !== ''")  # they show no face
    assert page.inner_text("#live-notice") == NO_FACE and page.inner_text("#live-message") == ""  # it is seen once
    assert page.inner_text("#live-heard") == NO_FACE
    assert page.locator("#live-heard").bounding_box()["width"] == 1  # for screen readers
    page.click("#live-start")
    assert page.locator("#live-notice").is_hidden()
    assert page.inner_text("#live-message") == "The camera is off."
    browser.close()


def test_without_a_camera_the_page_says_so(page):
    page.add_init_script(
        "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', 'NotFoundError'); };"
    )
    page.reload()
    page.get_by_role("tab", name="Webcam").click()
    page.check("#consent input")
    page.click("#live-start")
    page.wait_for_function("document.querySelector('#live-message').textContent.includes('No camera found')")


def test_where_websockets_are_blocked_frames_are_posted(page):
    page.add_init_script(
        "window.WebSocket = class { constructor() { setTimeout(() => this.onclose(), 0); } close() {} send() {} };"
    )
    page.reload()
    page.wait_for_selector("#photo")
    start(page)
    page.wait_for_function("document.querySelector('#live-rate').textContent.includes('no WebSocket')")
    assert picture(page).std() > 20
