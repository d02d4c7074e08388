"""Changes of a photograph on the page: of whom, how strong, one on top of another, and undone, in real Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from visitor import (
    SLOW,
    after,
    consent,
    downloaded,
    effect,
    effects_are_shown,
    message,
    pixels,
    type_in,
    upload,
    wait_for_result,
)

from diat.watermark import MOST

# Notes the title of the changes and how many of them are picked, whenever that changes.
WATCH_PICKED = """() => {
  window.picked = [];
  const effects = document.querySelector("#effects");
  const note = () => {
    const now = [effects.querySelector(".title").textContent, effects.querySelectorAll("[aria-pressed=true]").length];
    if (String(now) !== String(picked.at(-1) ?? before)) picked.push(now);
  };
  const before = [effects.querySelector(".title").textContent, 1];
  new MutationObserver(note).observe(effects, { subtree: true, childList: true, attributes: true });
}"""


@pytest.fixture(scope="module")
def crowd_path(tmp_path_factory, crowd) -> Path:
    path = tmp_path_factory.mktemp("crowd") / "crowd.png"
    Image.fromarray(crowd).save(path)
    return path


@pytest.fixture(scope="module")
def many_path(tmp_path_factory, collins, hopper) -> Path:
    """Five faces: Collins four times, ever smaller, and at the right Hopper, whose face is the largest."""
    four = [Image.fromarray(collins).resize((side, side)) for side in (400, 370, 340, 310)]
    row = Image.new("RGB", (4 * 400 + hopper.shape[1], hopper.shape[0]))
    for number, one in enumerate(four):
        row.paste(one, (400 * number, 50))
    row.paste(Image.fromarray(hopper), (1600, 0))
    path = tmp_path_factory.mktemp("many") / "many.png"
    row.save(path)
    return path


def test_nothing_to_change_is_said_and_can_be_done_anyway_where_anything_comes_of_it(page, collins_path, shoot):
    consent(page)
    upload(page, collins_path)
    closed = wait_for_result(page)
    expect(page.locator("#anyway")).not_to_be_visible()
    effect(page, "eyeglasses_remove").click()
    expect(message(page)).to_contain_text("No glasses found: nothing was changed.", timeout=SLOW)
    expect(page.locator("#download")).to_be_disabled(timeout=SLOW)
    expect(page.locator("#keep")).to_be_disabled()
    expect(page.locator("#anyway")).not_to_be_visible()  # there is nothing to take off
    expect(page.locator("#result .label.right")).not_to_be_visible()  # it is no "after"
    shoot("nothing to take off")
    effect(page, "smile").click()
    expect(message(page)).to_contain_text("smiles already: nothing was changed", timeout=SLOW)
    expect(page.locator("#anyway")).to_be_visible(timeout=SLOW)
    expect(message(page)).to_contain_text('Click "Apply anyway" to change it all the same.')
    shoot("offered")
    page.click("#anyway")
    smiling = wait_for_result(page, closed)
    expect(page.locator("#download")).to_be_enabled(timeout=SLOW)
    page.click("#undo")
    expect(message(page)).to_contain_text("smiles already: nothing was changed", timeout=SLOW)
    assert smiling != closed
    expect(page.locator("#undo")).to_be_disabled(timeout=SLOW)  # what was looked at before it is no step
    page.get_by_role("button", name="Clear").or_(page.get_by_label("Remove")).first.click()
    for button in ("#keep", "#undo", "#download"):
        expect(page.locator(button)).to_be_disabled(timeout=3000)


def test_two_changes_are_stacked_and_undone(page, hopper_path, shoot):
    consent(page)
    upload(page, hopper_path)
    first = wait_for_result(page)
    effect(page, "eyeglasses_remove").click()
    one = wait_for_result(page, first)
    page.evaluate(WATCH_PICKED)
    page.get_by_role("button", name="Keep this and add another change").click()
    expect(message(page)).to_contain_text("Glasses taken off. Still recognisable. Pick another change", timeout=SLOW)
    expect(message(page)).to_contain_text("Look closely: traces of the rims may be left.")
    expect(page.locator("#strength input[type=range]")).to_be_disabled(timeout=SLOW)  # there is nothing to move yet
    expect(page.locator("#effects")).to_contain_text("What to add", timeout=SLOW)
    assert page.evaluate("picked")[0] == ["What to change", 0]  # at once, and not when the pictures are there
    effect(page, "older_to_younger").click()
    both = wait_for_result(page, one)
    expect(page.locator("#steps")).to_contain_text(re.compile(r"On the photo:\s*Remove glasses ×\s*\+\s*Younger ×"))
    shoot("stacked")
    expect(page.locator("#result").get_by_role("status")).to_contain_text("Glasses taken off. Made younger. Still")
    page.locator("#result summary").click()
    expect(page.locator("#result .details")).to_contain_text(re.compile(r"similarity to the original: \d+ %"))
    name, data = downloaded(page)
    assert name == "grace_hopper-remove-glasses-younger.jpg"
    expect(page.get_by_test_id("toast-body")).to_contain_text(f"Saved as {name}.")
    assert b"eyeglasses_remove strength=1, older_to_younger strength=1" in data
    page.get_by_role("button", name="Take away: Remove glasses").click()  # from below the other
    expect(page.locator("#steps")).not_to_be_visible(timeout=SLOW)
    wait_for_result(page, both)
    page.click("#undo")
    expect(page.locator("#result img.after")).to_have_attribute("src", both, timeout=SLOW)
    page.click("#undo")  # what was put on top, and with it that the other was kept
    expect(page.locator("#result img.after")).to_have_attribute("src", one, timeout=SLOW)
    expect(message(page)).not_to_contain_text("Pick another", timeout=SLOW)
    expect(page.locator("#keep")).to_be_enabled(timeout=SLOW)
    expect(effect(page, "eyeglasses_remove")).to_have_attribute("aria-pressed", "true", timeout=SLOW)


def test_undo_brings_back_what_a_click_or_a_slider_replaced(page):
    page.locator("#examples button.picture").nth(1).click()
    first = wait_for_result(page)
    effect(page, "older_to_younger").click()
    second = wait_for_result(page, first)
    strength = page.locator("#strength input[type=number]")
    strength.fill("0.7")
    strength.press("Enter")
    third = wait_for_result(page, second)
    consent(page)  # what goes on is not begun anew
    page.wait_for_timeout(1000)
    assert after(page) == third
    for address, picked in ((second, "older_to_younger"), (first, "eyeglasses_remove")):
        page.click("#undo")
        expect(page.locator("#result img.after")).to_have_attribute("src", address, timeout=SLOW)
        expect(effect(page, picked)).to_have_attribute("aria-pressed", "true", timeout=SLOW)
        expect(strength).to_have_value("1")
    glasses = effect(page, "eyeglasses_remove")
    glasses.click()  # again: as it was
    expect(message(page)).to_have_text("Pick a change below.", timeout=SLOW)
    expect(page.locator("#result .label.right")).not_to_be_visible()
    expect(glasses).to_have_attribute("aria-pressed", "false")
    page.click("#undo")
    expect(page.locator("#result img.after")).to_have_attribute("src", first, timeout=SLOW)
    expect(glasses).to_have_attribute("aria-pressed", "true", timeout=SLOW)
    page.click("#undo")
    expect(message(page)).to_contain_text("Pick a change", timeout=SLOW)
    glasses.dblclick()  # is one click
    expect(page.locator("#result img.after")).to_have_attribute("src", first, timeout=SLOW)
    expect(glasses).to_have_attribute("aria-pressed", "true")
    page.click("#undo")
    expect(message(page)).to_contain_text("Pick a change", timeout=SLOW)
    expect(page.locator("#undo")).to_be_disabled()
    expect(page.locator("#download")).to_be_disabled()


def test_undo_brings_the_visitors_photograph_back_from_an_example(page, crowd_path):
    consent(page)
    upload(page, crowd_path)
    old = wait_for_result(page)
    effect(page, "older_to_younger").click()
    mine = wait_for_result(page, old)
    example = page.locator("#examples button.picture").nth(1)
    example.click()
    expect(message(page)).to_contain_text("Glasses taken off", timeout=SLOW)
    expect(page.locator("#faces button.picture")).to_have_count(0)
    expect(page.locator("#undo")).to_be_enabled(timeout=SLOW)
    page.click("#undo")
    expect(page.locator("#result img.after")).to_have_attribute("src", mine, timeout=SLOW)
    expect(page.get_by_test_id("toast-body")).to_contain_text("Your photo from before is back.")
    expect(page.locator("#photo img")).to_have_attribute("src", re.compile(r"/crowd\.png$"))
    expect(page.locator("#photo .whose .number")).to_have_count(2, timeout=SLOW)
    expect(effect(page, "older_to_younger")).to_have_attribute("aria-pressed", "true", timeout=SLOW)
    expect(example).to_have_attribute("aria-pressed", "false", timeout=SLOW)


def test_undo_brings_a_photograph_back_whose_place_the_camera_took_and_not_one_that_was_taken_out(page, hopper_path):
    consent(page)
    upload(page, hopper_path)
    mine = wait_for_result(page)
    page.locator("#photo").get_by_label("Capture from camera").click()
    expect(message(page)).to_contain_text("An example", timeout=SLOW)
    page.click("#undo")
    expect(page.locator("#result img.after")).to_have_attribute("src", mine, timeout=SLOW)
    expect(page.locator("#photo img")).to_be_visible()
    page.locator("#photo").get_by_label("Remove Image").click()
    expect(message(page)).to_contain_text("An example", timeout=SLOW)
    expect(page.locator("#undo")).to_be_disabled(timeout=SLOW)


def test_the_camera_of_the_photograph_goes_off_out_of_sight(page):
    page.evaluate("() => { const now = performance.now.bind(performance); performance.now = () => 10 * now(); }")
    page.locator("#photo").get_by_label("Capture from camera").click()
    page.wait_for_function("() => document.querySelector('#photo video')?.srcObject?.active", timeout=SLOW)
    page.evaluate("() => { window.stream = document.querySelector('#photo video').srcObject; }")
    page.wait_for_timeout(4000)
    assert page.evaluate("stream.active")  # in sight
    page.get_by_role("tab", name="Batch").click()
    page.wait_for_function("() => !stream.active", timeout=10_000)
    page.get_by_role("tab", name="Photo").click()
    expect(page.locator("#photo")).to_contain_text("Choose a photo")


def test_faces_are_chosen_by_their_pictures(page, crowd_path, crowd, shoot):
    consent(page)
    upload(page, crowd_path)
    old = wait_for_result(page)
    expect(page.locator("#faces button.picture")).to_have_count(2)
    effect(page, "older_to_younger").click()
    old = wait_for_result(page, old)
    expect(message(page)).to_contain_text("Face 1:")
    page.get_by_role("button", name="All", exact=True).click()
    expect(message(page)).to_contain_text("Faces 1 and 2:", timeout=SLOW)
    shoot("all")
    page.get_by_role("button", name="None", exact=True).click()
    expect(message(page)).to_contain_text("at least one face", timeout=SLOW)
    page.locator("#faces button.picture").nth(1).click()
    expect(message(page)).to_contain_text("Face 2:", timeout=SLOW)
    _, data = downloaded(page)
    moved = np.abs(pixels(data).astype(int) - crowd)
    assert moved[:, :512].max() <= MOST + 2 < moved[:, 512:].max()  # but for the invisible mark


def test_on_a_phone_several_faces_come_into_view_with_the_result_and_stand_as_in_the_photograph(page, many_path, shoot):
    page.set_viewport_size({"width": 390, "height": 844})
    consent(page)
    upload(page, many_path)
    wait_for_result(page)
    effects_are_shown(page)
    page.wait_for_timeout(700)  # it scrolls smoothly
    expect(page.locator("#faces")).to_be_in_viewport(ratio=1)
    expect(page.locator("#result .stage")).to_be_in_viewport(ratio=1)
    numbers = page.locator("#faces button.picture").evaluate_all("all => all.map((e) => e.innerText.trim())")
    assert numbers == [f"Face {number}" for number in range(1, 6)]
    expect(page.locator("#faces [aria-pressed=true]")).to_have_text("Face 5")  # the largest is at the right
    assert page.evaluate("document.documentElement.scrollWidth") <= 390  # they scroll in their row
    shoot("five")
    page.get_by_role("button", name="Whole photo").first.click()
    stage, label = (page.locator(f"#result {part}").bounding_box() for part in (".stage", ".label.right"))
    ratio = page.locator("#result img.before").evaluate("image => image.naturalHeight / image.naturalWidth")
    top = stage["y"] + (stage["height"] - ratio * stage["width"]) / 2  # of the picture
    assert abs(label["y"] + label["height"] - top) < 1  # on no face, and not away from the picture
    page.locator("#faces button.picture").first.click()
    expect(message(page)).to_contain_text("Face 1 was left as it is", timeout=SLOW)
    page.wait_for_timeout(700)
    expect(page.locator("#faces")).to_be_in_viewport(ratio=1)  # to choose another
    expect(page.locator("#result .stage")).to_be_in_viewport(ratio=1)


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


def test_the_picture_has_the_strength_that_its_box_shows_when_it_is_left(page):
    page.locator("#examples button.picture").nth(1).click()
    old = wait_for_result(page)
    field = page.locator("#strength input[type=number]")
    for text in ("", "-3"):
        field.fill(text)
        field.press("Tab")
        expect(field).to_have_value("0")
        expect(message(page)).to_have_text("Nothing was changed.", timeout=SLOW)
    field.fill("9")
    field.press("Enter")
    expect(field).to_have_value("1.5")
    wait_for_result(page, old)
    assert b"strength=1.5" in downloaded(page)[1]


def test_a_change_can_be_held_to_a_similarity(page):
    page.locator("#examples button.picture").first.click()
    old = wait_for_result(page)
    page.get_by_text("Advanced").click()
    field = page.locator("#identity input[type=number]")
    type_in(field, "0.95")  # Gradio puts the slider in as the box opens, and sets it to 0 a moment later
    field.press("Enter")
    wait_for_result(page, old)
    expect(message(page)).to_contain_text("instead of 1")
