"""The pages of many photographs and of videos, in a real browser."""

from __future__ import annotations

import io
import zipfile

import cv2
import numpy as np
import pytest
from films import film
from PIL import Image
from playwright.sync_api import Page, expect

from diat.attributes import ATTRIBUTES
from diat.pages.video_steps import LAST_RESULT
from diat.provenance import is_marked

SLOW = 90_000  # milliseconds
ANYWAY = "Apply anyway, also to faces that seem to need no change"


def choose(page: Page, element: str, *paths) -> None:
    page.locator(f"#{element} input[type=file]").set_input_files([str(path) for path in paths])


@pytest.fixture
def opened(page):
    def open_tab(name: str) -> Page:
        page.get_by_role("tab", name=name, exact=True).click()
        return page

    return open_tab


def test_many_photographs_are_shown_as_they_finish_and_come_as_a_zip(opened, collins_path, hopper_path, shoot):
    page = opened("Batch")
    choose(page, "many-photos", collins_path, hopper_path)
    page.locator("#consent input").check()
    expect(page.locator("#many-photos")).to_contain_text(hopper_path.stem, timeout=SLOW)
    effects = page.locator("#many-attribute-effects")
    expect(effects.locator("img")).to_have_count(len(ATTRIBUTES), timeout=SLOW)  # tried on the first photograph
    effects.locator("button[data-id=older_to_younger]").click()
    assert page.get_by_role("progressbar").count() == 0
    page.click("#many-run")
    expect(page.locator("#many-message")).to_contain_text("2 of 2 photos changed.", timeout=SLOW)
    expect(page.locator("#many-gallery img")).to_have_count(2)
    summary, gallery = (page.locator(f"#many-{part}").bounding_box() for part in ("message", "gallery"))
    assert summary["x"] >= gallery["x"] and summary["y"] + summary["height"] <= gallery["y"]  # above what it is about
    bar = page.get_by_role("progressbar", name="Photos done")
    assert (bar.get_attribute("value"), bar.get_attribute("max")) == ("2", "2")
    expect(page.locator("#many-stop")).not_to_be_visible(timeout=10_000)
    expect(page.locator("#many-run")).to_be_enabled()
    shoot("many")
    button = page.get_by_role("button", name="Download all 2 photos (ZIP, 0.")
    expect(button).to_be_visible()
    gallery = page.locator("#many-gallery").bounding_box()  # which the button has moved down
    assert button.bounding_box()["y"] < gallery["y"]  # not below fifty photographs
    with page.expect_download() as download:
        button.click()
    assert download.value.suggested_filename == "photos-younger.zip"
    expect(page.get_by_test_id("toast-body")).to_contain_text("Saved as photos-younger.zip.")
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        assert archive.namelist() == ["eileen_collins-younger.jpg", "grace_hopper-younger.jpg"]
        for name, path in zip(archive.namelist(), (collins_path, hopper_path), strict=True):
            assert is_marked(archive.read(name))
            assert Image.open(io.BytesIO(archive.read(name))).size == Image.open(path).size


def test_one_photograph_that_cannot_be_used_leaves_the_others_alone(opened, hopper_path, tmp_path, shoot):
    page = opened("Batch")
    wall = tmp_path / "wall.png"
    cv2.imwrite(str(wall), np.full((200, 200, 3), 128, np.uint8))
    photo = tmp_path / f"grace_hopper_{'in_a_long_name_' * 5}.jpg"
    photo.write_bytes(hopper_path.read_bytes())
    choose(page, "many-photos", wall, photo)
    page.locator("#consent input").check()
    expect(page.locator("#many-photos")).to_contain_text(hopper_path.stem, timeout=SLOW)
    effects = page.locator("#many-attribute-effects")
    # What would be seen is proposed, and what the server is told.
    expect(effects.locator("[data-id=mouth_open]")).to_have_attribute("aria-pressed", "true", timeout=SLOW)
    expect(page.locator("#many-attribute input[value=mouth_open]")).to_be_checked(timeout=SLOW)
    effects.locator("button[data-id=mouth_close]").click()
    expect(page.locator("#many-attribute input[value=mouth_close]")).to_be_checked(timeout=SLOW)
    page.set_viewport_size({"width": 390, "height": 844})
    page.click("#many-run")
    expect(page.locator("#many-message")).to_contain_text("wall.png was skipped. No face found", timeout=SLOW)
    # Her mouth is shut already.
    expect(page.locator("#many-photos")).to_contain_text("2 photos of up to 50")
    expect(page.locator("#many-message")).to_contain_text("0 of 2 photos changed, 1 left unchanged, 1 skipped.")
    expect(page.locator("#many-message")).to_contain_text("The ZIP also has the unchanged ones.")
    expect(page.locator("#many-stop")).not_to_be_visible(timeout=10_000)
    expect(page.locator("#many-run")).to_be_enabled()
    expect(page.locator("#many-message")).to_be_in_viewport(ratio=1)  # although the button above it went
    thumbnail = page.locator("#many-gallery .thumbnail-lg")
    assert thumbnail.bounding_box()["width"] < 330
    for caption in ("#many-gallery .caption-label", "#many-gallery .preview caption"):
        words = page.locator(caption)
        expect(words).to_contain_text("nothing was changed.")
        assert words.evaluate("e => e.scrollWidth <= e.clientWidth")  # nothing of it is cut off
        if "preview" not in caption:
            thumbnail.click()
    shoot("caption")
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_label(ANYWAY).and_(page.locator("#many-anyway input")).check()
    page.locator("#many-attribute-effects button[data-id=older_to_younger]").click()
    page.click("#many-run")
    expect(page.locator("#many-message")).to_contain_text("1 of 2 photos changed, 1 skipped.", timeout=SLOW)


def test_a_film_in_which_nobody_needs_the_change_gets_it_anyway_where_that_is_asked_for(
    opened, tmp_path, collins, shoot
):
    path = film(tmp_path / "film.mp4", [collins] * 3)
    page = opened("Video")
    page.click("#film-run")  # too early
    expect(page.get_by_test_id("toast-body")).to_contain_text("Choose a video.", timeout=SLOW)
    expect(page.locator("#film-compare .message")).to_contain_text("Choose a video.")
    expect(page.locator("#film-result")).not_to_be_visible()
    choose(page, "film", path)
    page.locator("#consent input").check()
    effects = page.locator("#film-attribute-effects")
    expect(effects.locator("img")).to_have_count(len(ATTRIBUTES), timeout=SLOW)
    effects.locator("button[data-id=smile]").click()
    page.click("#film-preview")
    compared = page.locator("#film-compare")
    expect(compared.locator(".message")).to_contain_text('Tick "Apply anyway" to change them, too.', timeout=SLOW)
    expect(compared.get_by_role("button", name="Whole frame")).to_be_enabled()
    shoot("preview")
    page.click("#film-run")
    left = '3 frames were left as they are: the face smiles already. Tick "Apply anyway" to change them, too.'
    expect(page.locator("#film-message")).to_contain_text(left, timeout=SLOW)
    shoot("left")
    page.get_by_label("Apply anyway, also to faces that seem to need no change").and_(
        page.locator("#film-anyway input")
    ).check()
    page.click("#film-run")
    expect(page.locator("#film-message")).to_contain_text("Done: 3 of 3 frames changed", timeout=SLOW)
    expect(page.locator("#film-message")).not_to_contain_text("left as they are")
    # Pictures that were tried before the click, and came after it, left it as it was.
    expect(effects.locator("button[data-id=smile]")).to_have_attribute("aria-pressed", "true")


def refuse_a_part(page: Page) -> None:
    """The result from before is still to be had."""
    page.locator("#film-end input").fill("0.1")  # before it begins
    page.click("#film-run")
    expect(page.get_by_test_id("toast-body").filter(has_text="must be later than")).to_be_visible(timeout=SLOW)
    expect(page.locator("#film-message")).to_have_text(LAST_RESULT, timeout=SLOW)
    with page.expect_download(timeout=SLOW):
        page.get_by_role("button", name="Download", exact=True).click()


def test_a_part_of_a_video_comes_back_changed_beside_the_original(opened, tmp_path, crowd, shoot):
    path = film(tmp_path / "film.mp4", [crowd] * 10)
    page = opened("Video")
    said = page.locator("#film-compare .message")
    expect(said).to_contain_text("Choose a video.")
    moment = page.locator("#film-moment input[type=range]")
    expect(moment).to_be_disabled()
    choose(page, "film", path)
    expect(said).not_to_contain_text("Choose a video", timeout=SLOW)
    expect(moment).to_have_attribute("max", "0.3", timeout=SLOW)  # a tenth of a second before its end
    expect(page.locator("#film-end input")).to_have_value("0.4")
    page.locator("#consent input").check()
    expect(page.locator("#film-people img")).to_have_count(4, timeout=SLOW)
    people = page.locator("#film-people button.picture .caption")
    expect(people).to_have_text(["Largest person", "Everyone", "Person 1", "Person 2"])
    largest, _, _, person = page.locator("#film-people button.picture").all()
    expect(largest).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#film-faces")).not_to_be_visible()  # the pictures say it
    effects = page.locator("#film-attribute-effects")
    expect(effects.locator("img")).to_have_count(len(ATTRIBUTES), timeout=SLOW)
    effects.locator("button[data-id=older_to_younger]").click()
    person.click()
    largest.click()
    expect(person).to_have_attribute("aria-pressed", "false", timeout=SLOW)
    title = effects.locator(".title")
    expect(title).to_have_text("What to change (shown on the largest person)", timeout=SLOW)
    person.click()
    expect(title).to_have_text("What to change", timeout=SLOW)
    page.locator("#film-start input").fill("0.2")
    # Who is there may have another number.
    expect(page.get_by_text("pick the person again")).to_be_visible(timeout=SLOW)
    expect(largest).to_have_attribute("aria-pressed", "true", timeout=SLOW)
    expect(person).to_have_attribute("aria-pressed", "false", timeout=SLOW)
    person.click()
    expect(person).to_have_attribute("aria-pressed", "true", timeout=SLOW)
    expect(moment).to_have_attribute("min", "0.2", timeout=SLOW)
    page.click("#film-preview")
    expect(page.locator("#film-compare .stage")).to_be_in_viewport(ratio=1)  # beside the button, far down
    expect(said).to_contain_text("recognisable", timeout=SLOW)
    expect(said).to_contain_text("At 0.2 of 0.4 seconds.")
    page.locator("#film-beside input").check()
    expect(page.locator("#film-stop")).not_to_be_visible()
    expect(page.locator("#film-run")).to_be_in_viewport(ratio=1)  # beside all that there is to choose
    page.click("#film-run")
    expect(page.locator("#film-message")).to_contain_text("Done: 5 of 5 frames", timeout=SLOW)
    page.wait_for_selector("#film-result video", timeout=SLOW)
    expect(page.locator("#film-compare")).not_to_be_visible()
    expect(page.locator("#film-result")).to_be_in_viewport(ratio=1)  # in the preview's place
    expect(page.locator("#film-result video")).to_have_js_property("videoWidth", 2 * crowd.shape[1], timeout=SLOW)
    expect(page.locator("#film-stop")).not_to_be_visible(timeout=10_000)
    expect(page.locator("#film-run")).to_be_enabled()
    with page.expect_download(timeout=SLOW) as download:
        page.get_by_role("button", name="Download", exact=True).click()  # the photograph's is on a hidden tab
    assert download.value.suggested_filename == "film-younger.mp4"
    assert download.value.path().stat().st_size > 0
    expect(page.get_by_test_id("toast-body")).to_contain_text("Saved as film-younger.mp4.")
    with page.expect_download(timeout=SLOW):
        page.get_by_role("button", name="Download", exact=True).click()  # as often as it is wanted
    shoot("video")
    refuse_a_part(page)


@pytest.mark.parametrize(("width", "height"), [(1280, 700), (390, 844)])
def test_what_runs_is_seen_to_run(opened, tmp_path, collins, collins_path, hopper_path, width, height, shoot):
    path = film(tmp_path / "film.mp4", [collins] * 75)
    page = opened("Video")
    page.set_viewport_size({"width": width, "height": height})
    page.locator("#consent input").check()
    choose(page, "film", path)
    expect(page.locator("#film-end input")).to_have_value("3", timeout=SLOW)
    expect(page.locator("#film-attribute-effects img")).to_have_count(len(ATTRIBUTES), timeout=SLOW)
    page.click("#film-run")  # nothing was previewed
    expect(page.locator("#film-message").get_by_role("progressbar")).to_be_in_viewport(ratio=1, timeout=SLOW)
    shoot(f"film-{width}")
    page.click("#film-stop")
    expect(page.locator("#film-stop")).not_to_be_visible(timeout=SLOW)
    expect(page.locator("#film-run")).to_be_enabled()
    opened("Batch")
    choose(page, "many-photos", collins_path, hopper_path)
    expect(page.locator("#many-attribute-effects img")).to_have_count(len(ATTRIBUTES), timeout=SLOW)
    page.click("#many-run")
    expect(page.get_by_role("progressbar", name="Photos done")).to_be_in_viewport(ratio=1, timeout=SLOW)
    shoot(f"many-{width}")


def test_where_files_are_dropped_the_words_are_the_same_on_each_tab_and_not_gradios(opened):
    for tab, part, heading, drop in (
        ("Video", "film", "Choose a video", "or drop it here"),
        ("Batch", "many-photos", "Choose photos", "or drop them here"),
    ):
        text = opened(tab).locator(f"#{part} [data-testid=upload-text]")
        words = text.evaluate(
            """text => { const or = text.querySelector(".or"); return [getComputedStyle(text).fontSize,
            getComputedStyle(or).fontSize, getComputedStyle(or, "::before").content,
            getComputedStyle(text, "::after").content]; }"""
        )
        assert words == ["0px", "0px", f'"{heading}"', f'"{drop}"']
    text = opened("Edited?").locator("#verify-photo [data-testid=upload-text]")
    assert text.inner_text().split("\n") == ["Choose a picture", "", "or drop it here"]


def test_every_tab_is_there_on_a_phone_and_none_needs_sideways_scrolling(page, shoot):
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    expect(page.get_by_role("tab")).to_have_text(["Photo", "Webcam", "Video", "Batch", "Edited?"])
    for tab in page.get_by_role("tab").all():  # Gradio folds tabs that do not fit into a menu
        expect(tab).to_be_in_viewport(ratio=1)
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab.inner_text()
        shoot(f"phone-{tab.inner_text()}")
