"""What a visitor does with a photograph, in real Chromium. Screenshots go to --screenshots FOLDER when given."""

from __future__ import annotations

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from diat.attributes import ATTRIBUTES
from diat.provenance import is_marked
from diat.watermark import MOST

SLOW = 60_000  # milliseconds: the machine may be busy


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
    expect(message(page)).to_contain_text("identity similarity", timeout=SLOW)
    return after(page)


def effects_are_shown(page: Page) -> None:
    expect(page.locator("#effects img")).to_have_count(len(ATTRIBUTES), timeout=SLOW)


def downloaded(page: Page) -> tuple[str, bytes]:
    expect(page.locator("#download")).to_be_enabled(timeout=SLOW)
    with page.expect_download(timeout=SLOW) as download:
        page.click("#download")
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.fixture(scope="module")
def crowd_path(tmp_path_factory, crowd) -> Path:
    path = tmp_path_factory.mktemp("crowd") / "crowd.png"
    Image.fromarray(crowd).save(path)
    return path


@pytest.mark.parametrize(("width", "height", "pair"), [(1400, 900, "#result"), (390, 844, "#title .sight")])
def test_the_first_screen_shows_a_face_before_and_after_and_examples(page, width, height, pair, shoot):
    page.set_viewport_size({"width": width, "height": height})
    shoot("first")
    for name in (f"{pair} img >> nth=0", f"{pair} img >> nth=1", "#photo", "#examples button >> nth=0"):
        part = page.locator(name)
        expect(part).to_be_visible()
        assert part.bounding_box()["y"] + 100 < height, name
    expect(page.locator("#title")).to_contain_text("the person stays recognisable")
    painted = page.evaluate(
        """() => new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
        .observe({ type: "largest-contentful-paint", buffered: true }))"""
    )
    assert 0 < painted < 10_000  # milliseconds; under two seconds on a machine that does nothing else


def test_an_example_runs_at_a_click_without_the_box(page, shoot):
    examples = page.locator("#examples button.picture")
    expect(examples).to_have_count(5)
    examples.nth(2).click()
    old = wait_for_result(page)
    effects_are_shown(page)
    expect(effect(page, "older_to_younger")).to_have_attribute("aria-pressed", "true")
    shoot("result")
    examples.nth(3).click()  # of the same photograph
    wait_for_result(page, old)
    expect(effect(page, "mouth_open")).to_have_attribute("aria-pressed", "true", timeout=SLOW)


def test_every_change_is_a_picture_and_a_click_picks_it(page, hopper_path, hopper, shoot):
    upload(page, hopper_path)
    expect(message(page)).to_contain_text("Confirm consent first", timeout=SLOW)
    expect(page.locator("#consent")).to_have_class(re.compile("missed"))
    expect(page.locator("#consent")).to_have_css("outline-offset", "-3px")  # outside it would be cut off
    consent(page)
    old = wait_for_result(page)  # her lips are together: another change than the default is made
    expect(page.locator("#consent")).not_to_have_class(re.compile("missed"))
    expect(page.get_by_test_id("toast-body")).to_have_count(0)  # it asked for the box
    effects_are_shown(page)
    expect(effect(page, "mouth_close")).to_contain_text("nothing to change")
    for name in ("eyeglasses_remove", "older_to_younger"):
        effect(page, name).click()
        old = wait_for_result(page, old)
    shoot("younger")
    name, data = downloaded(page)
    assert name == "grace_hopper-younger.jpg"
    assert is_marked(data)
    assert pixels(data).shape == hopper.shape


def test_nothing_to_change_is_said_and_can_be_done_anyway(page, hopper_path):
    consent(page)
    upload(page, hopper_path)
    wait_for_result(page)
    expect(page.locator("#anyway")).not_to_be_visible()
    effect(page, "mouth_close").click()
    expect(message(page)).to_contain_text("closed already: nothing was changed", timeout=SLOW)
    page.click("#anyway")
    expect(message(page)).to_contain_text("identity similarity", timeout=SLOW)


def test_two_changes_are_stacked_and_undone(page, hopper_path, shoot):
    consent(page)
    upload(page, hopper_path)
    first = wait_for_result(page)
    effect(page, "eyeglasses_remove").click()
    one = wait_for_result(page, first)
    page.click("#keep")
    expect(message(page)).to_contain_text("Pick a change", timeout=SLOW)
    effect(page, "older_to_younger").click()
    wait_for_result(page, one)
    expect(page.locator("#history")).to_contain_text("remove glasses, then younger")
    shoot("stacked")
    name, data = downloaded(page)
    assert name == "grace_hopper-remove-glasses-younger.jpg"
    assert b"eyeglasses_remove strength=1, older_to_younger strength=1" in data
    page.click("#undo")
    expect(page.locator("#result img.after")).to_have_attribute("src", one, timeout=SLOW)
    expect(effect(page, "eyeglasses_remove")).to_have_attribute("aria-pressed", "true", timeout=SLOW)
    page.click("#undo")
    expect(message(page)).to_contain_text("Pick a change", timeout=SLOW)
    expect(page.locator("#download")).to_be_disabled()


def test_faces_are_chosen_by_their_pictures(page, crowd_path, crowd, shoot):
    consent(page)
    upload(page, crowd_path)
    old = wait_for_result(page)
    expect(page.locator("#faces button.picture")).to_have_count(2)
    effect(page, "older_to_younger").click()
    old = wait_for_result(page, old)
    expect(message(page)).to_contain_text("Face 1:")
    page.get_by_role("button", name="All", exact=True).click()
    expect(message(page)).to_contain_text("Face 1, 2:", timeout=SLOW)
    shoot("all")
    page.get_by_role("button", name="None", exact=True).click()
    expect(message(page)).to_contain_text("at least one face", timeout=SLOW)
    page.locator("#faces button.picture").nth(1).click()
    expect(message(page)).to_contain_text("Face 2:", timeout=SLOW)
    _, data = downloaded(page)
    moved = np.abs(pixels(data).astype(int) - crowd)
    assert moved[:, :512].max() <= MOST + 2 < moved[:, 512:].max()  # but for the invisible mark


def test_the_keyboard_moves_the_strength_and_the_change_is_made_again(page, collins_path):
    consent(page)
    upload(page, collins_path)
    old = wait_for_result(page)
    page.locator("#strength input[type=range]").focus()
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    expect(page.locator("#strength input[type=number]")).to_have_value("0.7")
    old = wait_for_result(page, old)
    ring = page.locator("#strength input[type=range]").evaluate("e => getComputedStyle(e).outlineStyle")
    assert ring == "solid"
    field = page.locator("#strength input[type=number]")
    field.fill("1.2")
    field.press("Enter")
    wait_for_result(page, old)


def test_a_change_can_be_held_to_a_similarity(page):
    page.locator("#examples button.picture").first.click()
    old = wait_for_result(page)
    page.get_by_text("Advanced").click()
    field = page.locator("#identity input[type=number]")
    field.fill("0.95")
    field.press("Enter")
    wait_for_result(page, old)
    expect(message(page)).to_contain_text("instead of 1")


def test_before_and_after_are_compared_in_three_ways_and_nothing_is_covered(page, shoot):
    page.locator("#examples button.picture").first.click()
    wait_for_result(page)
    stage, line = page.locator("#result .stage").bounding_box(), page.locator("#result .line")
    assert line.bounding_box()["x"] < stage["x"] + 0.2 * stage["width"]  # beside what was changed
    page.locator("#result .divider").focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    assert line.bounding_box()["x"] > stage["x"] + 0.35 * stage["width"]
    expect(page.locator("#result .label.left")).to_be_visible()
    page.locator("#result .hold").dispatch_event("pointerdown")
    expect(page.locator("#result img.after")).not_to_be_visible()
    page.locator("#result .hold").dispatch_event("pointerup")
    expect(page.locator("#result img.after")).to_be_visible()
    page.click("#result .beside")
    before, changed = (page.locator(f"#result img.{name}").bounding_box() for name in ("before", "after"))
    assert before["x"] + before["width"] <= changed["x"] + 1
    shoot("beside")
    page.get_by_role("button", name="Whole photo").click()
    expect(page.get_by_role("button", name="Whole photo")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_result_comes_into_view_and_nothing_jumps(page, hopper_path, width, shoot):
    page.set_viewport_size({"width": width, "height": 844})
    consent(page)
    page.wait_for_timeout(1000)
    assert page.evaluate("window.scrollY") == 0  # there is nothing to see yet
    page.evaluate(
        """() => { window.jumps = 0; new PerformanceObserver((list) => { for (const e of list.getEntries())
        if (!e.hadRecentInput) window.jumps += e.value; }).observe({ type: "layout-shift" }); }"""
    )
    upload(page, hopper_path)
    wait_for_result(page)
    effects_are_shown(page)
    page.wait_for_timeout(700)  # it scrolls smoothly
    stage = page.locator("#result .stage").bounding_box()
    assert stage["y"] >= 0 and stage["y"] + stage["height"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.jumps") < 0.1  # what Lighthouse calls good
    shoot(str(width))


def test_a_webcam_snapshot_is_taken_as_a_photograph(page):
    consent(page)
    page.locator("#photo").get_by_label("Capture from camera").click()
    page.locator("#photo").get_by_text("Click to Access Webcam").click()
    page.wait_for_function("() => document.querySelector('#photo video')?.videoWidth > 0", timeout=SLOW)
    page.wait_for_timeout(500)
    page.locator("#photo").get_by_label("capture photo").click()
    wait_for_result(page)


def test_a_photograph_without_a_face_gets_a_sentence_and_no_result(page, hopper_path, tmp_path, shoot):
    consent(page)
    upload(page, hopper_path)
    wait_for_result(page)
    Image.effect_mandelbrot((400, 300), (-3, -2.5, 2, 2.5), 60).convert("RGB").save(tmp_path / "x.png")
    page.locator("#photo").get_by_label("Remove Image").click()
    expect(message(page)).to_contain_text("An example", timeout=SLOW)
    upload(page, tmp_path / "x.png")
    expect(message(page)).to_contain_text("No face found", timeout=SLOW)
    expect(page.get_by_test_id("toast-body")).to_contain_text("No face found")
    expect(page.locator("#result img.after")).not_to_be_visible()
    expect(page.locator("#download")).to_be_disabled()
    shoot("sentence")


@pytest.mark.parametrize("agreed", [True, False])
def test_a_file_that_is_no_photograph_gets_a_sentence(page, tmp_path, agreed):
    (tmp_path / "holiday.png").write_bytes(b"<html>no photograph</html>")
    if agreed:
        consent(page)
    upload(page, tmp_path / "holiday.png")
    page.wait_for_timeout(2000)  # no later sentence may replace it
    expect(message(page)).to_contain_text("not a JPEG", timeout=SLOW)


def test_the_page_says_what_the_terms_are(page):
    body = page.locator("body")
    for words in ("non-commercial research", "people in them agreed", "Label results as edited"):
        expect(body).to_contain_text(words)


def test_nothing_of_a_visitor_is_in_the_log(page, hopper_path, tmp_path, log_path):
    before = len(log_path.read_text())
    consent(page)
    secret = tmp_path / "canary-name.jpg"
    secret.write_bytes(hopper_path.read_bytes())
    upload(page, secret)
    wait_for_result(page)
    lines = log_path.read_text()[before:].splitlines()
    known = re.compile(r"\S+ \S+ INFO edited attribute=\w+ strength=\S+ size=\d+x\d+ faces=\d+/\d+ milliseconds=\d+")
    assert all(known.fullmatch(line) for line in lines), lines
