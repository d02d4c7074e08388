"""What a visitor does on the photograph's page, for tests that drive it."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from diat.attributes import ATTRIBUTES

SLOW = 60_000  # milliseconds: the machine may be busy
RECOGNISABLE = re.compile("recognisable|Hardly anything changed")  # is said of every face that was changed


def upload(page: Page, path: Path) -> None:
    page.locator("#photo input[type=file]").set_input_files(path)


def consent(page: Page) -> None:
    page.locator("#consent input").check()


def message(page: Page):
    return page.locator("#result .message")


def effect(page: Page, attribute: str):
    return page.locator(f"#effects button[data-id={attribute}]")


def after(page: Page) -> str:
    return page.locator("#result img.after").get_attribute("src")


def wait_for_result(page: Page, old: str = "") -> str:
    """Wait for an "after" that is not ``old``, and give its address, which names its content."""
    expect(page.locator("#result .stage.both img.after")).to_be_visible(timeout=SLOW)
    expect(page.locator("#result img.after")).not_to_have_attribute("src", old, timeout=SLOW)
    expect(message(page)).to_contain_text(RECOGNISABLE, timeout=SLOW)
    return after(page)


def effects_are_shown(page: Page) -> None:
    expect(page.locator("#effects img")).to_have_count(len(ATTRIBUTES), timeout=SLOW)


def at_rest(part: Locator) -> dict:
    """Where a part of the page is once it does not move any more, as after smooth scrolling."""
    was = None
    for _ in range(50):
        part.page.wait_for_timeout(300)
        now = part.bounding_box()
        if now == was:
            return now
        was = now
    raise AssertionError(f"expected it to come to rest, found it at {was}")


def type_in(field: Locator, text: str) -> None:
    """Type into a field that has just come into sight, as a person would who sees that it took nothing."""
    for _ in range(20):
        field.fill(text)
        field.page.wait_for_timeout(200)
        if field.input_value() == text:
            return
    raise AssertionError(f"expected the field to take {text}, found {field.input_value()}")


def downloaded(page: Page) -> tuple[str, bytes]:
    expect(page.locator("#download")).to_be_enabled(timeout=SLOW)
    with page.expect_download(timeout=SLOW) as download:
        page.click("#download")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
