"""What a visitor does with a photograph, in real Chromium. Screenshots go to --screenshots FOLDER when given."""

from __future__ import annotations

import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from visitor import (
    SLOW,
    consent,
    downloaded,
    effect,
    effects_are_shown,
    message,
    pixels,
    upload,
    wait_for_result,
)

from diat.provenance import is_marked

COUNT_JUMPS = """window.jumps = 0; new PerformanceObserver((list) => { for (const e of list.getEntries())
if (!e.hadRecentInput) window.jumps += e.value; }).observe({ type: "layout-shift" });"""


@pytest.mark.parametrize(("width", "height", "pair"), [(1400, 900, "#result"), (390, 844, "#title .sight")])
def test_the_first_screen_shows_a_face_before_and_after_and_examples(page, width, height, pair, shoot):
    page.set_viewport_size({"width": width, "height": height})
    page.add_init_script(COUNT_JUMPS)
    page.reload()
    page.wait_for_selector("#photo")
    page.wait_for_timeout(1000)
    assert page.evaluate("window.jumps") < 0.1  # what Lighthouse calls good
    shoot("first")
    for name in (f"{pair} img >> nth=0", f"{pair} img >> nth=1", "#photo", "#examples button >> nth=0"):
        part = page.locator(name)
        expect(part).to_be_visible()
        assert part.bounding_box()["y"] + 100 < height, name
    expect(page.locator("#title")).to_contain_text("the person stays recognisable")
    title, box = (page.locator(part).bounding_box() for part in ("#title", "#consent"))
    beside, below = title["x"] + title["width"] <= box["x"], title["y"] + title["height"] <= box["y"]
    assert (beside, below) == ((True, False) if width == 1400 else (False, True))
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
    effect(page, "older_to_younger").click()
    expect(page.get_by_test_id("toast-body")).to_contain_text("Choose a photo first")
    page.locator(".toast-close").click()
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


def test_chosen_hovered_and_focused_look_different_and_a_photograph_is_no_example_any_more(page, hopper_path):
    first, second = (page.locator("#examples button.picture").nth(number) for number in range(2))

    def look(picture) -> tuple[str, ...]:
        return tuple(
            picture.evaluate(
                """e => [getComputedStyle(e).borderColor, getComputedStyle(e).outlineStyle,
                getComputedStyle(e).outlineColor, getComputedStyle(e.querySelector(".frame"), "::after").content]"""
            )
        )

    page.emulate_media(reduced_motion="reduce")
    looks = [look(first)]
    first.hover()
    page.wait_for_timeout(400)  # until the colours have changed
    looks.append(look(first))
    page.mouse.move(0, 0)
    page.keyboard.press("Tab")
    first.focus()
    looks.append(look(first))
    first.click()
    page.mouse.move(0, 0)
    expect(first).to_have_attribute("aria-pressed", "true")
    first.evaluate("e => e.blur()")
    looks.append(look(first))
    assert len(set(looks)) == 4, looks
    old = wait_for_result(page)
    second.click()
    expect(first).to_have_attribute("aria-pressed", "false")
    wait_for_result(page, old)  # it is this photograph that is taken out
    consent(page)
    page.locator("#photo").get_by_label("Remove Image").click()
    expect(page.locator("#examples [aria-pressed=true]")).to_have_count(0, timeout=SLOW)
    second.click()
    expect(message(page)).to_contain_text("recognisable", timeout=SLOW)
    upload(page, hopper_path)
    expect(page.locator("#examples [aria-pressed=true]")).to_have_count(0, timeout=SLOW)


def test_before_and_after_are_compared_in_three_ways_and_nothing_is_covered(page, shoot):
    example = [page.locator(f"#result img.{name}").bounding_box() for name in ("before", "after")]
    assert example[0]["x"] + example[0]["width"] <= example[1]["x"]  # at first sight both are seen
    page.locator("#examples button.picture").first.click()
    wait_for_result(page)
    stage, line = page.locator("#result .stage").bounding_box(), page.locator("#result .line")
    edge = stage["x"] + (stage["width"] - stage["height"]) / 2  # of the picture, a square in the middle
    assert abs(line.bounding_box()["x"] + 1.5 - edge) < 2  # where it cuts no face, and not in the margin
    label = page.locator("#result .label.right").bounding_box()
    assert label["x"] + label["width"] < edge + stage["height"]  # on the picture too
    page.locator("#result .divider").focus()
    for _ in range(30):
        page.keyboard.press("ArrowRight")
    assert abs(line.bounding_box()["x"] + 1.5 - edge - 0.3 * stage["height"]) < 2
    page.mouse.click(stage["x"] + stage["width"] / 2, stage["y"] + 50)
    assert abs(line.bounding_box()["x"] + 1.5 - stage["x"] - stage["width"] / 2) < 3  # where the pointer is
    expect(page.locator("#result .label.left")).to_be_visible()
    page.locator("#result .hold").first.dispatch_event("pointerdown")
    expect(page.locator("#result img.after")).not_to_be_visible()
    page.locator("#result .hold").first.dispatch_event("pointerup")
    expect(page.locator("#result img.after")).to_be_visible()
    page.click("#result button.beside")
    before, changed = (page.locator(f"#result img.{name}").bounding_box() for name in ("before", "after"))
    assert before["x"] + before["width"] <= changed["x"] + 1
    shoot("beside")
    page.get_by_role("button", name="Whole photo").click()
    expect(page.get_by_role("button", name="Whole photo")).to_have_attribute("aria-pressed", "true")


@pytest.mark.parametrize(("width", "people"), [(1400, "group"), (390, "group"), (390, "one")])
def test_a_result_comes_into_view_and_nothing_jumps(page, hopper_path, crowd, tmp_path, width, people, shoot):
    page.set_viewport_size({"width": width, "height": 844})
    if people == "group":  # in rows
        hopper_path = tmp_path / "group.png"
        picture = np.tile(crowd, (2, 2, 1))
        if width == 1400:  # of eighteen, in more rows than are seen at once, the last is the largest
            small = np.asarray(Image.fromarray(crowd).resize((512, 256)))
            picture = np.zeros((1024, 2560, 3), np.uint8)
            picture[:, :1536] = np.tile(small, (4, 3, 1))
            picture[:1024, 1536:] = np.asarray(Image.fromarray(crowd[:512, :512]).resize((1024, 1024)))
        Image.fromarray(picture).save(hopper_path)
    consent(page)
    page.wait_for_timeout(1000)
    assert page.evaluate("window.scrollY") == 0  # there is nothing to see yet
    page.evaluate(COUNT_JUMPS)
    upload(page, hopper_path)
    wait_for_result(page)
    effects_are_shown(page)
    page.wait_for_timeout(700)  # it scrolls smoothly
    stage = page.locator("#result .stage").bounding_box()
    assert stage["y"] >= 0 and stage["y"] + stage["height"] <= 844
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("window.jumps") <= 0.02
    if people == "group":
        grid, chosen = (page.locator(f"#faces {part}").bounding_box() for part in (".grid", "[aria-pressed=true]"))
        assert chosen["y"] >= grid["y"] and chosen["y"] + chosen["height"] <= grid["y"] + grid["height"]
    shoot(f"{width}-{people}")


def test_on_a_phone_a_photograph_is_taken_by_buttons_that_say_what_they_do(page):
    page.set_viewport_size({"width": 390, "height": 844})
    consent(page)
    photo = page.locator("#photo")

    def word(label: str) -> str:
        part = photo.get_by_label(label, exact=True)
        expect(part).to_be_visible(timeout=SLOW)
        return part.evaluate("e => getComputedStyle(e, '::after').content")

    assert [word(label) for label in ("Upload file", "Capture from camera", "Paste from clipboard")] == [
        '"Upload"', '"Camera"', '"Paste"',
    ]  # fmt: skip
    expect(page.locator("#title .sight")).to_be_visible()
    photo.get_by_label("Capture from camera").click()  # no other click is asked for
    expect(page.locator("#title .sight")).not_to_be_visible()  # who begins has seen what the page does
    page.wait_for_function("() => document.querySelector('#photo video')?.videoWidth > 0", timeout=SLOW)
    assert photo.locator("video").bounding_box()["height"] > 200
    assert word("capture photo") == '"Capture photo"'
    photo.get_by_label("capture photo").click()
    wait_for_result(page)


def test_upload_opens_the_choice_of_files_with_and_without_a_photograph(page, hopper_path, collins_path):
    consent(page)
    button = page.locator("#photo").get_by_label("Upload file", exact=True)
    for path in (hopper_path, collins_path):
        with page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files(path)
        wait_for_result(page)
    page.get_by_role("tab", name="Edited?").click()
    button = page.locator("#verify-photo").get_by_label("Upload file", exact=True)
    with page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(hopper_path)
    expect(page.locator("#verify-message")).not_to_be_empty(timeout=SLOW)
    with page.expect_file_chooser():
        button.click()


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
    upload(page, hopper_path)
    result = wait_for_result(page)
    expect(page.get_by_test_id("toast-body")).to_have_count(0)  # it was said of the last photograph
    upload(page, tmp_path / "x.png")
    expect(page.get_by_test_id("toast-body")).to_contain_text("No face found", timeout=SLOW)
    expect(message(page)).to_contain_text("Undo brings your photo from before back.")
    page.click("#undo")
    toasts = page.get_by_test_id("toast-body")
    expect(toasts.filter(has_text="Your photo from before is back.")).to_have_count(1)
    expect(toasts.filter(has_text="No face found")).to_have_count(0)
    expect(page.locator("#result img.after")).to_have_attribute("src", result, timeout=SLOW)


@pytest.mark.parametrize("agreed", [True, False])
def test_a_file_that_is_no_photograph_gets_a_sentence(page, tmp_path, agreed):
    (tmp_path / "holiday.png").write_bytes(b"<html>no photograph</html>")
    if agreed:
        consent(page)
    upload(page, tmp_path / "holiday.png")
    page.wait_for_timeout(2000)  # no later sentence may replace it
    expect(message(page)).to_contain_text("not a JPEG", timeout=SLOW)


def test_after_an_undo_a_file_that_is_no_photograph_gets_a_sentence_too(page, hopper_path, tmp_path):
    (tmp_path / "holiday.png").write_bytes(b"<html>no photograph</html>")
    consent(page)
    upload(page, hopper_path)
    wait_for_result(page)
    page.click("#undo")
    expect(message(page)).to_have_text("Pick a change below.", timeout=SLOW)
    expect(page.locator("body")).not_to_contain_text("common.")  # of Gradio's, without words
    upload(page, tmp_path / "holiday.png")
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
