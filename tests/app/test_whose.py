"""Which face of a photograph is whose, on the page, in real Chromium."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from visitor import SLOW, consent, downloaded, effects_are_shown, message, pixels, upload, wait_for_result

from diat.watermark import MOST

SIDE = 400  # pixels of one portrait
CORNERS = [(0, 0), (300, SIDE), (600, 0), (900, SIDE)]  # of the portraits, in two rows, from left to right
WIDTH, HEIGHT = 1300, 2 * SIDE


@pytest.fixture(scope="module")
def rows_path(tmp_path_factory, collins, hopper) -> Path:
    picture = Image.new("RGB", (WIDTH, HEIGHT), (90, 110, 130))
    for number, corner in enumerate(CORNERS):
        portrait = Image.fromarray((collins, hopper)[number % 2][:512, :512])
        picture.paste(portrait.resize((SIDE, SIDE)), corner)
    path = tmp_path_factory.mktemp("rows") / "rows.png"
    picture.save(path)
    return path


def whose(page, within: str, kind: str = "number") -> list[tuple[str, int]]:
    """The marks that are seen: their words, and in which of the portraits they are."""
    picture, *marks = page.evaluate(
        """([within, kind]) => [document.querySelector(`${within} img`), ...document.querySelectorAll(
        `${within} .whose .${kind}`)].map((part) => [part.innerText, part.getBoundingClientRect().toJSON()])""",
        [within, kind],
    )
    box, ratio = picture[1], HEIGHT / WIDTH
    width = min(box["width"], box["height"] / ratio)
    left, top = box["x"] + (box["width"] - width) / 2, box["y"] + (box["height"] - ratio * width) / 2
    found = []
    for words, at in marks:
        x = (at["x"] + at["width"] / 2 - left) * WIDTH / width
        y = (at["y"] + at["height"] / 2 - top) * WIDTH / width
        (where,) = [number for number, (a, b) in enumerate(CORNERS, 1) if a < x < a + SIDE and b < y < b + SIDE]
        found.append((words, where))
    return found


@pytest.mark.parametrize(("size", "scheme"), [((1400, 900), "light"), ((390, 844), "dark")])
def test_the_photograph_shows_which_crop_is_whom_and_no_file_does(page, rows_path, hopper_path, size, scheme, shoot):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": size[0], "height": size[1]})
    consent(page)
    upload(page, rows_path)
    wait_for_result(page)
    effects_are_shown(page)
    numbers = [(str(number), number) for number in range(1, 5)]
    crops = page.locator("#faces button.picture")
    expect(crops.locator(".caption")).to_have_text([f"Face {number}" for number, _ in numbers], timeout=SLOW)
    expect(page.locator("#photo .whose .number")).to_have_count(4, timeout=SLOW)
    expect(page.locator("#result .whose .number")).to_have_count(0)  # close up nothing is covered
    assert whose(page, "#photo") == numbers
    page.get_by_role("button", name="Whole photo").click()
    expect(page.locator("#result .whose .number")).to_have_count(4)
    assert whose(page, "#result .stage") == numbers
    page.keyboard.press("Tab")
    crops.nth(1).focus()
    for within in ("#photo", "#result .stage"):
        expect(page.locator(f"{within} .whose .ring")).to_have_count(1)
        assert whose(page, within, "ring") == [("", 2)]
    shoot(f"{size[0]}-{scheme}")
    crops.nth(1).evaluate("e => e.blur()")
    crops.nth(2).hover()
    expect(page.locator("#photo .whose .ring")).to_have_count(1)
    assert whose(page, "#photo", "ring") == [("", 3)]
    chosen = page.locator("#photo .whose .chosen")
    page.get_by_role("button", name="None", exact=True).click()
    expect(chosen).to_have_count(0)
    crops.nth(3).click()
    expect(chosen).to_have_text("4")
    if size[0] == 1400:
        _, data = downloaded(page)
        original = np.asarray(Image.open(rows_path)).astype(int)
        assert np.abs(pixels(data) - original)[:, :600].max() <= MOST + 2  # but for the invisible mark
    page.locator("#photo").get_by_label("Remove Image").click()
    expect(page.locator(".whose span")).to_have_count(0, timeout=SLOW)
    upload(page, hopper_path)
    wait_for_result(page)
    expect(page.locator(".whose span")).to_have_count(0)  # one face needs no number


@pytest.mark.parametrize("finger", [False, True])
def test_a_number_on_a_photograph_chooses_whom_and_no_quick_second_press_is_lost(browser, server, rows_path, finger):
    size = {"width": 390, "height": 844} if finger else {"width": 1400, "height": 900}
    with browser.new_context(viewport=size, has_touch=finger, reduced_motion="reduce") as context:
        page = context.new_page()
        page.goto(server)
        consent(page)
        upload(page, rows_path)
        wait_for_result(page)
        effects_are_shown(page)
        page.get_by_role("button", name="Whole photo").click()

        def press(number: int, within: str) -> None:
            box = page.locator(f"{within} .whose .number").get_by_text(str(number), exact=True).bounding_box()
            x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] + 5  # a finger is not so exact
            if finger:
                page.touchscreen.tap(x, y)
            else:
                page.mouse.move(x, y)
                page.mouse.down()
                page.wait_for_timeout(100)  # as long as a hand takes, while a result is on its way
                page.mouse.up()

        (before,) = page.locator("#faces [aria-pressed=true] .caption").all_inner_texts()
        chosen = {int(before[-1])}
        for within in ("#photo", "#result .stage"):
            page.locator(within).scroll_into_view_if_needed()
            page.wait_for_timeout(300)
            for pair in ((1, 2), (3, 4), (2, 4)):
                for number in pair:
                    press(number, within)
                    chosen ^= {number}
                for place in (within, "#faces"):
                    shown = ".whose .chosen" if place == within else "[aria-pressed=true] .caption"
                    words = [f"{number}" if place == within else f"Face {number}" for number in sorted(chosen)]
                    expect(page.locator(f"{place} {shown}")).to_have_text(words)
        assert chosen == {int(before[-1])}  # each was pressed twice or four times
        expect(message(page)).to_contain_text(f"{before}:", timeout=SLOW)
        other = next(number for number in range(1, 5) if number not in chosen)
        for within in ("#photo", "#result .stage"):  # a click on a face is one on its number
            page.locator(within).scroll_into_view_if_needed()
            page.wait_for_timeout(300)
            picture = page.locator(f"{within} img").first.bounding_box()
            scale = min(picture["width"] / WIDTH, picture["height"] / HEIGHT)
            where = page.locator("#faces button.picture").nth(other - 1).get_attribute("data-where")
            left, top, width, height = map(float, where.split())
            x = picture["x"] + picture["width"] / 2 + scale * WIDTH * (left + width / 2 - 0.5)
            y = picture["y"] + picture["height"] / 2 + scale * HEIGHT * (top + height / 2 - 0.5)
            shown = page.locator("#faces [aria-pressed=true] .caption")
            chosen ^= {other}
            page.touchscreen.tap(x, y) if finger else page.mouse.click(x, y)
            expect(shown).to_have_text([f"Face {number}" for number in sorted(chosen)])
        expect(page.locator("#result dialog")).not_to_be_visible()  # the photograph under them is not opened,
        expect(page.locator("#result .divider")).to_have_value("0")  # and its line not moved
