"""A page that outlives what was uploaded to it, in real Chromium."""

from __future__ import annotations

import os
import time

import pytest
from playwright.sync_api import expect
from visitor import SLOW, after, consent, effect, effects_are_shown, message, upload, wait_for_result

GONE = "For privacy, the server has deleted this file: choose it again to go on."


@pytest.fixture
def visit(browser, server):
    """Without the `page` fixture's look at the console, on which Chromium notes that files are gone."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    page = context.new_page()
    page.goto(server)
    page.wait_for_selector("#photo")
    yield page
    context.close()


def test_what_is_shown_stays_and_the_rest_says_that_the_file_is_gone(
    visit, hopper_path, hopper, upload_folder, pytestconfig
):
    page = visit
    consent(page)
    upload(page, hopper_path)
    old = wait_for_result(page)
    effects_are_shown(page)
    expect(page.locator("#undo")).to_be_enabled()
    for path in upload_folder.rglob("*.*"):
        if path.is_file() and path.name != ".lock":
            path.unlink()
    expect(page.locator("#gone")).not_to_be_visible()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as if it had been behind another one
    expect(page.locator("#gone")).to_be_visible(timeout=SLOW)
    if folder := pytestconfig.getoption("screenshots"):
        page.screenshot(path=f"{folder}/gone.png")
    page.get_by_role("button", name="Whole photo").click()
    for name in ("before", "after"):
        picture = page.locator(f"#result img.{name}")
        picture.evaluate("image => image.decode()")
        assert picture.evaluate("image => image.naturalWidth") == hopper.shape[1]
    page.get_by_role("button", name="Face", exact=True).click()
    for part in (page.locator("#download"), effect(page, "older_to_younger"), page.locator("#undo")):
        part.click()
        expect(page.get_by_test_id("toast-body").last).to_contain_text(GONE, timeout=SLOW)
        page.locator(".toast-close").last.click()
        expect(page.get_by_test_id("toast-body")).to_have_count(0)
        assert after(page) == old
    expect(message(page)).to_have_text(GONE)
    expect(page.locator("#result .stage.both img.after")).to_be_visible()
    page.locator("#photo").get_by_label("Remove Image").click()
    upload(page, hopper_path)
    wait_for_result(page, old="none")
    expect(page.locator("#gone")).not_to_be_visible(timeout=10_000)


def test_a_photograph_that_undo_can_bring_back_is_asked_for_until_the_visitor_takes_one_out(
    visit, hopper_path, upload_folder, tmp_path
):
    page, mine = visit, tmp_path / "my_own.jpg"
    mine.write_bytes(hopper_path.read_bytes())
    consent(page)
    upload(page, mine)
    wait_for_result(page)
    page.wait_for_timeout(1100)  # the page looks once a second at what it shows
    page.locator("#examples button.picture").first.click()
    expect(message(page)).to_contain_text("Mouth closed.", timeout=SLOW)
    (kept,) = upload_folder.rglob("my_own.jpg")

    def asked_for() -> bool:
        begun = time.time() - 60  # not yet old enough to be swept
        os.utime(kept, (begun, begun))
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        page.wait_for_timeout(1000)
        return kept.stat().st_mtime > begun + 30

    assert asked_for()
    page.locator("#photo").get_by_label("Remove Image").click()
    expect(message(page)).to_contain_text("An example", timeout=SLOW)
    assert not asked_for()
