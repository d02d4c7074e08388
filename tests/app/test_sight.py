"""What is on the screen without scrolling once there is a photograph, and large, in real Chromium."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from visitor import SLOW, at_rest, consent, effect, effects_are_shown, message, upload, wait_for_result

from diat.photo import open_photo
from diat.provenance import edited_by, encode

DROP_A_FILM = """() => { const dataTransfer = new DataTransfer(), box = document.querySelector("#verify-photo button");
dataTransfer.items.add(new File([new Uint8Array(9000)], "holiday.mp4", { type: "video/mp4" }));
box.dispatchEvent(new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer })); }"""
DESK, PHONE = (1400, 900), (390, 844)


def resized(page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})


@pytest.mark.parametrize(("size", "scheme"), [(DESK, "light"), (PHONE, "dark")])
def test_the_result_and_every_change_of_it_are_in_sight_and_what_the_page_picked_is_named(
    page, hopper_path, size, scheme, shoot
):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    resized(page, size)
    upload(page, hopper_path)
    note = page.get_by_test_id("toast-body")
    expect(note).to_be_visible(timeout=SLOW)
    asked, said = page.locator("#consent").bounding_box(), note.bounding_box()
    assert said["y"] + said["height"] < asked["y"] or asked["y"] + asked["height"] < said["y"]
    consent(page)
    old = wait_for_result(page)
    effects_are_shown(page)
    page.wait_for_timeout(300)
    for part in ("#result .stage", "#result .message", "#effects .grid"):
        expect(page.locator(part)).to_be_in_viewport(ratio=1)
    if size == DESK:
        assert page.evaluate("window.scrollY") == 0
        for part in ("#strength", "#keep", "#undo", "#download"):
            expect(page.locator(part)).to_be_in_viewport(ratio=1)
    stage, effects = (page.locator(part).bounding_box() for part in ("#result .stage", "#effects"))
    assert effects["y"] - stage["y"] - stage["height"] < 120  # the sentence alone is between them
    expect(effect(page, "mouth_open")).to_have_attribute("aria-pressed", "true")
    expect(effect(page, "mouth_open")).to_be_in_viewport(ratio=1)
    expect(message(page)).to_contain_text("Mouth opened.")
    expect(message(page)).to_contain_text("Picked for you")
    shoot(f"{size[0]}-{scheme}")
    effect(page, "older_to_younger").click()
    wait_for_result(page, old)
    expect(message(page)).not_to_contain_text("Picked for you")
    page.click("#keep")
    expect(page.locator("#steps")).to_contain_text("Younger", timeout=SLOW)
    if size == DESK:
        for part in ("#result .bar", "#effects .grid", "#strength", "#steps", "#keep", "#undo", "#download"):
            expect(page.locator(part).first).to_be_in_viewport(ratio=1)
    shoot(f"{size[0]}-{scheme}-kept")
    page.click("#undo")
    expect(message(page)).to_contain_text("Made younger. Still", timeout=SLOW)
    expect(message(page)).not_to_contain_text("Pick another")
    page.click("#undo")  # what the page picked is no step of a visitor's
    expect(message(page)).to_have_text("Pick a change below.", timeout=SLOW)


@pytest.mark.parametrize("size", [DESK, PHONE])
def test_whether_a_picture_was_edited_is_answered_first_and_in_sight(page, hopper_path, tmp_path, size, shoot):
    page.emulate_media(reduced_motion="reduce")
    resized(page, size)
    page.get_by_role("tab", name="Edited?").click()
    edited, other = tmp_path / "edited.png", tmp_path / "other.png"
    edited.write_bytes(encode(open_photo(hopper_path).pixels, edited_by("older_to_younger", 1.0)))
    other.write_bytes(b"no picture")
    box = page.locator("#verify-photo")
    high = box.bounding_box()["height"]
    answer = page.locator("#verify-message p").first
    for path, words in (
        (edited, "Yes: made younger with DIAT."),
        (hopper_path, "No mark was found."),
        (other, "not a"),
    ):
        box.locator("input[type=file]").set_input_files(path)
        expect(answer).to_contain_text(words, timeout=SLOW)
        expect(answer).to_have_css("font-weight", "700")
        expect(answer).to_be_in_viewport(ratio=1)
        assert box.bounding_box()["height"] == high  # nothing jumps
        shoot(f"{size[0]}-{words[:3]}")
        if path != other:
            box.get_by_label("Remove Image").click()
    expect(box.locator("img")).to_have_css("visibility", "hidden")  # no broken picture
    words = box.locator(".image-frame").evaluate("frame => getComputedStyle(frame, '::after').content")
    assert words == '"Your browser cannot show this file here."'
    film = tmp_path / "holiday.mp4"  # which Gradio's page would not send
    film.write_bytes(b"\0\0\0\x18ftypmp42" + bytes(10_000))
    box.get_by_label("Remove Image").click()
    expect(page.locator("#verify-message p")).to_have_count(0, timeout=SLOW)
    for give in (lambda: box.locator("input[type=file]").set_input_files(film), lambda: page.evaluate(DROP_A_FILM)):
        give()
        expect(answer).to_contain_text("not a", timeout=SLOW)
        expect(page.get_by_test_id("toast-body")).to_have_count(0)
        box.get_by_label("Remove Image").click()
        expect(page.locator("#verify-message p")).to_have_count(0, timeout=SLOW)


def test_in_a_row_that_scrolls_what_is_chosen_is_seen(page):
    resized(page, PHONE)
    page.locator("#examples button.picture").nth(2).click()
    wait_for_result(page)
    effects_are_shown(page)
    page.wait_for_timeout(700)  # it scrolls smoothly
    expect(effect(page, "older_to_younger")).to_be_in_viewport(ratio=1)
    expect(message(page)).not_to_contain_text("Picked for you")  # the example's caption says what it shows


def test_a_result_is_looked_at_large_and_the_page_is_as_it_was_afterwards(browser, server):
    """On a telephone, whose browsers have no full screen for a part of a page."""
    with browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, has_touch=True) as context:
        page = context.new_page()
        page.goto(server)
        page.locator("#examples button.picture").first.tap()
        wait_for_result(page)
        effects_are_shown(page)
        stage, large, picture = (page.locator(f"#result {part}") for part in (".stage", "dialog", "img.after"))
        was, divider = at_rest(stage), page.locator("#result .divider")
        buttons = [button.bounding_box()["y"] for button in page.locator("#result .compare > .bar button").all()]
        assert len(set(buttons)) == 2  # rows
        page.get_by_role("button", name="Full screen").tap()
        expect(large).to_be_visible()
        assert picture.bounding_box()["width"] == PHONE[0]
        page.get_by_role("button", name="Zoom in").tap()
        assert picture.bounding_box()["width"] >= 2 * PHONE[0]
        room = page.locator("#result .room")
        assert room.evaluate("e => e.scrollLeft") > 0  # its middle is seen
        page.get_by_role("button", name="Zoom out").tap()
        assert picture.bounding_box()["width"] == PHONE[0]
        page.get_by_role("button", name="Zoom in").tap()
        page.get_by_role("button", name="Close", exact=True).tap()
        expect(large).not_to_be_visible()
        assert at_rest(stage) == was
        page.touchscreen.tap(was["x"] + was["width"] / 2, was["y"] + was["height"] / 2)
        expect(large).to_be_visible()
        expect(divider).to_have_value("0")  # a tap does not move the line
        page.touchscreen.tap(PHONE[0] / 2, PHONE[1] / 2)
        assert picture.bounding_box()["width"] >= 2 * PHONE[0]
        page.keyboard.press("Escape")
        expect(large).not_to_be_visible()
        assert at_rest(stage) == was
        page.get_by_role("button", name="Full screen").tap()
        assert [
            rule for rule in Axe().run(page).response["violations"] if rule["impact"] in ("serious", "critical")
        ] == []
