"""The people of a film, without a server."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from films import film

from diat.errors import DiatError
from diat.pages.pictures import from_left
from diat.pages.video_steps import TICK_ANYWAY, VideoPage, video_sentence
from diat.video.report import VideoReport


@pytest.fixture
def page(pool) -> VideoPage:
    return VideoPage(pool)


def with_a_tiny_face(picture: np.ndarray) -> np.ndarray:
    wider = cv2.copyMakeBorder(picture, 0, 0, 112, 0, cv2.BORDER_CONSTANT)
    wider[200:290, 10:100] = cv2.resize(picture[:512, :512], (90, 90), interpolation=cv2.INTER_AREA)
    return wider


def test_people_stand_from_left_to_right_and_who_cannot_be_changed_says_why(page, tmp_path, crowd):
    path = film(tmp_path / "film.mp4", [with_a_tiny_face(crowd)] * 3)
    items = page.people(str(path), 0, "person", 2)["items"]
    assert [item["caption"] for item in items] == ["Largest person", "Everyone", "Person 1", "Person 2", "Person 3"]
    assert [item["disabled"] for item in items] == [False, False, True, False, False]
    assert items[2]["note"] == "too small to change" and "pixels across" in items[2]["why"]
    assert [item["id"] for item in items[2:]] == ["3", "1", "2"]  # as /video takes them: the largest first
    assert page.people(str(path), 0, "person", 2)["chosen"] == ["2"]
    assert page.people(str(path), 0, "all", 1)["chosen"] == ["all"]


def test_who_can_be_changed_a_moment_later_is_the_largest_person_and_shows_the_changes(page, tmp_path, collins):
    tiny = np.zeros((512, 640, 3), np.uint8)
    tiny[200:290, 10:100] = cv2.resize(collins, (90, 90), interpolation=cv2.INTER_AREA)
    later = cv2.copyMakeBorder(collins, 0, 0, 0, 128, cv2.BORDER_CONSTANT)
    path = str(film(tmp_path / "film.mp4", [tiny] * 3 + [later] * 3))
    shown = page.people(path, 0, "largest", 1)
    assert [item["id"] for item in shown["items"]] == ["largest", "all", "1"] and shown["chosen"] == ["largest"]
    assert [item["disabled"] for item in shown["items"]] == [False, False, True]
    picture, faces = page._first_usable(path, 0)  # of which the changes are shown
    assert len(faces) == 1 and np.abs(picture[:, :512].astype(int) - collins).mean() < 8


def test_where_there_is_one_person_the_same_choice_is_not_shown_twice(page, tmp_path, collins):
    path = film(tmp_path / "film.mp4", [collins] * 3)
    shown = page.people(str(path), 0, "largest", 1)
    assert [item["id"] for item in shown["items"]] == ["largest", "all"] and shown["chosen"] == ["largest"]
    assert page.people(None, 0, "largest", 1)["items"] == []


def test_a_change_that_would_be_seen_where_a_film_begins_is_proposed(page, tmp_path, hopper):
    shown = page.effects(str(film(tmp_path / "film.mp4", [hopper] * 2)), 0, "largest", 1, True)
    notes = {item["id"]: item["note"] for item in shown["items"]}
    assert notes["mouth_close"] == "nothing to change at the start"  # her mouth is shut
    assert shown["chosen"] is None and shown["at_first"] == ["mouth_open"]
    assert shown["of"] == page.effects(shown["of"], 0.04, "largest", 1, True)["of"]  # so that it stays, see choice.js


def test_a_preview_says_where_applying_it_anyway_would_change_anything_and_does_so(page, tmp_path, collins):
    path = str(film(tmp_path / "film.mp4", [collins] * 3))

    def said(attribute: str, anyway: bool) -> str:
        return page.preview(path, attribute, 1.0, "largest", 1, 0, 0.0, True, anyway)["message"]

    assert said("smile", False).startswith(f"The face smiles already: nothing was changed.\n{TICK_ANYWAY}\nAt 0.0")
    assert said("smile", True).startswith("Made to smile.")
    assert said("eyeglasses_remove", False).startswith("No glasses found: nothing was changed.\nAt 0.0")
    assert "applying it anyway makes no visible difference" in said("eyeglasses_remove", True)


def test_what_became_of_the_frames_of_a_film_is_said_of_all_of_them(editors):
    def said(spec, anyway=False, **report):
        return video_sentence(VideoReport(60, seconds=5.0, damaged=0, **report), spec, anyway)

    smile, glasses = editors("smile").spec, editors("eyeglasses_remove").spec
    assert said(smile, changed=60) == "Done: 60 of 60 frames changed in 5 s."
    left = "Done: 10 of 60 frames changed in 5 s. 49 frames were left as they are: the face smiles already. "
    others = "In the others, no face could be changed."
    assert said(smile, changed=10, left=49, would_change=True) == f"{left}{TICK_ANYWAY} {others}"
    assert said(glasses, True, changed=59, left=1).endswith(
        "1 frame was left as it is: no glasses found, and applying it anyway makes no visible difference."
    )


def test_a_preview_finds_the_person_again_and_speaks_of_people(page, tmp_path, crowd, collins, hopper, detector):
    later = np.zeros_like(crowd)
    later[:, :512] = crowd[:, 512:]  # Collins at the left now, and the larger
    later[150:450, 600:856] = cv2.resize(hopper, (256, 300), interpolation=cv2.INTER_AREA)
    path = film(tmp_path / "film.mp4", [crowd] * 5 + [later] * 5)
    found = from_left(detector.detect(later))
    assert [page._again(str(path), 0, number, later, found) for number in (0, 1)] == [1, 0]
    with pytest.raises(DiatError, match="not seen at this moment"):
        page._again(str(path), 0, 0, later, found[:1])
    shown = page.preview(str(path), "older_to_younger", 1.0, "all", 1, 0, 0.3, True, False)
    assert shown["message"].startswith("Made younger. People 1 and 2: ")
    assert page.preview(str(path), "older_to_younger", 1.0, "person", 1, 0, 0.3, True, False)["message"].startswith(
        "Made younger. Person 2: "
    )
