"""A real server and a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from scripts import serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--use-fake-ui-for-media-stream",
]
FAKE_CAMERA = "--use-fake-device-for-media-stream"


@pytest.fixture(scope="session")
def log_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server") / "log"


@pytest.fixture(scope="session")
def upload_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="session")
def scratch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server's folder for temporary files, apart from Gradio's own."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="session")
def server(log_path: Path, upload_folder: Path, scratch_folder: Path) -> Iterator[str]:
    """The demo with the embedded weights."""
    folders = {"GRADIO_TEMP_DIR": str(upload_folder), "TMPDIR": str(scratch_folder)}
    with serving(log_path, **folders, HF_HUB_OFFLINE="1") as address:
        yield address


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory, collins: np.ndarray) -> Path:
    """A film for Chromium's fake camera: a portrait that moves a little. MJPEG is JPEG after JPEG."""
    path = tmp_path_factory.mktemp("camera") / "camera.mjpeg"
    frame = cv2.copyMakeBorder(cv2.resize(collins, (480, 480)), 0, 0, 80, 80, cv2.BORDER_REPLICATE)
    with path.open("wb") as file:
        for number in range(30):
            moved = np.roll(frame, number % 10, axis=1)
            file.write(cv2.imencode(".jpg", moved[..., ::-1])[1].tobytes())
    return path


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable[..., Browser]]:
    """Starts Chromium with more flags."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        yield lambda *flags: playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])


@pytest.fixture(scope="session")
def browser(chromium: Callable[..., Browser], camera: Path) -> Iterator[Browser]:
    browser = chromium(FAKE_CAMERA, f"--use-file-for-fake-video-capture={camera}")
    yield browser
    browser.close()


@pytest.fixture
def page(browser: Browser, server: str) -> Iterator[Page]:
    """The demo in a new window; a request to another host or an error on the console fails the test."""
    context = browser.new_context(permissions=["camera"], viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    elsewhere: list[str] = []
    faults: list[str] = []
    own = (server, server.replace("http", "ws"), "blob:", "data:")
    page.on("request", lambda request: None if request.url.startswith(own) else elsewhere.append(request.url))
    page.on("console", lambda entry: faults.append(entry.text) if entry.type == "error" else None)
    page.goto(server)
    page.wait_for_selector("#photo")
    yield page
    context.close()
    assert not elsewhere
    assert not faults


@pytest.fixture
def shoot(page: Page, pytestconfig, request):
    """Screenshots for people to look at."""

    def save(name: str) -> None:
        folder = pytestconfig.getoption("screenshots")
        if folder:
            page.screenshot(path=Path(folder) / f"{request.node.name}-{name}.png", full_page=True)

    return save
