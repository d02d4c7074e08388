"""What a visitor does, in real Chromium. Screenshots go to --screenshots FOLDER when given."""

from __future__ import annotations

import io
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from diat.attributes import ATTRIBUTES
from diat.pages.parts import action_of
from diat.provenance import is_marked

SLOW = 60_000  # milliseconds: the machine may be busy


def upload(page: Page, path: Path) -> None:
    page.locator("#photo input[type=file]").set_input_files(path)


def consent(page: Page) -> None:
    page.locator("#consent input").check()


def message(page: Page):
    return page.locator("#message").get_by_test_id("markdown")  # without the progress that Gradio lays over it


def wait_for_result(page: Page, after: str = "") -> str:
    """Wait for the result that follows the one of which the message was ``after``; times make each message unique."""
    expect(message(page)).not_to_have_text(after, use_inner_text=True, timeout=SLOW)
    expect(message(page)).to_contain_text("Done in", timeout=SLOW)
    expect(page.locator("#close-up img").first).to_be_visible(timeout=SLOW)
    return message(page).inner_text()


def downloaded(page: Page) -> bytes:
    with page.expect_download(timeout=SLOW) as download:
        page.locator("#download a[download]").first.click()
    return Path(download.value.path()).read_bytes()


@pytest.fixture(scope="module")
def crowd_path(tmp_path_factory, crowd) -> Path:
    path = tmp_path_factory.mktemp("crowd") / "crowd.png"
    Image.fromarray(crowd).save(path)
    return path


def test_upload_every_attribute_and_download(page, hopper_path, hopper, shoot):
    upload(page, hopper_path)
    expect(message(page)).to_contain_text("Confirm consent first", timeout=SLOW)
    consent(page)
    said = wait_for_result(page)
    seen = []
    for spec in ATTRIBUTES.values():
        if not page.locator("#attribute").get_by_label(action_of(spec.name), exact=True).is_checked():
            page.locator("#attribute").get_by_text(action_of(spec.name), exact=True).click()
            said = wait_for_result(page, said)
        expect(page.locator(".progress-text, .progress-level")).to_have_count(0)
        page.wait_for_timeout(500)  # the pictures fade in
        shoot(spec.name)
        data = downloaded(page)
        assert is_marked(data)
        pixels = np.asarray(Image.open(io.BytesIO(data)))
        assert pixels.shape == hopper.shape
        if spec.name == "mouth_close":
            assert "closed already: nothing was changed" in said  # her lips are together
        else:
            assert "identity similarity" in said
            assert not any((pixels == other).all() for other in seen)
        seen.append(pixels)


def test_an_example_runs_at_a_click(page, shoot):
    page.locator("#examples button").nth(1).click()
    wait_for_result(page)
    expect(page.locator("#attribute input:checked")).to_have_value("eyeglasses_remove")
    shoot("result")


def test_a_face_among_several_is_chosen(page, crowd_path, crowd, shoot):
    consent(page)
    upload(page, crowd_path)
    expect(page.locator("#faces img")).to_be_visible(timeout=SLOW)
    said = wait_for_result(page)
    page.locator("#attribute").get_by_text(action_of("older_to_younger"), exact=True).click()
    wait_for_result(page, said)
    expect(message(page)).to_contain_text("Face 1:")
    page.locator("#chosen").get_by_text("1", exact=True).click()
    page.locator("#chosen").get_by_text("2", exact=True).click()
    expect(message(page)).to_contain_text("Face 2:", timeout=SLOW)
    expect(message(page)).not_to_contain_text("Face 1:", timeout=SLOW)
    shoot("second")
    pixels = np.asarray(Image.open(io.BytesIO(downloaded(page))))
    assert (pixels[:, :512] == crowd[:, :512]).all()
    assert (pixels[:, 512:] != crowd[:, 512:]).any()


def test_the_strength_slider_and_the_before_and_after_slider_move(page, collins_path, shoot):
    consent(page)
    upload(page, collins_path)
    said = wait_for_result(page)
    first = downloaded(page)
    page.locator("#strength input[type=range]").fill("1.5")
    page.locator("#strength input[type=range]").dispatch_event("pointerup")
    page.wait_for_function("() => document.querySelector('#strength input[type=number]').value == '1.5'")
    page.locator("#run").click()
    wait_for_result(page, said)
    page.wait_for_timeout(1500)
    assert downloaded(page) != first
    handle = page.locator("#close-up .inner, #close-up [role=slider]").first
    box, frame = handle.bounding_box(), page.locator("#close-up").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    assert box["x"] < frame["x"] + 0.2 * frame["width"]  # beside what was changed
    page.mouse.move(frame["x"] + frame["width"] * 0.8, box["y"] + box["height"] / 2, steps=8)
    page.mouse.up()
    assert handle.bounding_box()["x"] > box["x"] + 50
    shoot("dragged")


def test_a_webcam_snapshot_is_taken_as_a_photograph(page, shoot):
    consent(page)
    page.locator("#photo").get_by_label("Capture from camera").click()
    page.locator("#photo").get_by_text("Click to Access Webcam").click()
    page.wait_for_function("() => document.querySelector('#photo video')?.videoWidth > 0", timeout=SLOW)
    page.wait_for_timeout(500)
    shoot("camera")
    page.locator("#photo").get_by_label("capture photo").click()
    wait_for_result(page)
    shoot("snapshot")


def test_a_photograph_without_a_face_gets_a_sentence_and_no_result(page, hopper_path, tmp_path, shoot):
    consent(page)
    upload(page, hopper_path)
    wait_for_result(page)
    Image.effect_mandelbrot((400, 300), (-3, -2.5, 2, 2.5), 60).convert("RGB").save(tmp_path / "x.png")
    page.locator("#photo").get_by_label("Remove Image").click()
    upload(page, tmp_path / "x.png")
    expect(message(page)).to_contain_text("No face found", timeout=SLOW)
    expect(page.locator("#close-up img")).to_have_count(0, timeout=SLOW)
    expect(page.locator("#download a[download]")).to_have_count(0)
    shoot("sentence")


@pytest.mark.parametrize("agreed", [True, False])
def test_a_file_that_is_no_photograph_gets_a_sentence(page, tmp_path, agreed):
    (tmp_path / "holiday.png").write_bytes(b"<html>no photograph</html>")
    if agreed:
        consent(page)
    upload(page, tmp_path / "holiday.png")
    page.wait_for_timeout(2000)  # no later sentence may replace it
    expect(message(page)).to_contain_text("not a JPEG", timeout=SLOW)


def test_a_phones_width_needs_no_sideways_scrolling(page, hopper_path, shoot):
    page.set_viewport_size({"width": 390, "height": 844})
    consent(page)
    upload(page, hopper_path)
    wait_for_result(page)
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    shoot("phone")


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
    assert log_path.read_text()[before:] == ""


def test_the_server_answers_without_a_browser(server):
    assert urllib.request.urlopen(server, timeout=10).status == 200
