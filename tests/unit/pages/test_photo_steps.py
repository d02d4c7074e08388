"""Changes of a photograph, one on top of another, and what the page says of them; without a server."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from diat.attributes import ATTRIBUTES
from diat.errors import PhotoRejected
from diat.identity import Person
from diat.marks import read_marks
from diat.pages import photo_steps
from diat.pages.bench import Bench, Change, PhotoShelf
from diat.pages.parts import result_sentences
from diat.pages.photo_steps import PhotoPage
from diat.pages.saving import saved_file


def test_changes_go_on_top_of_each_other_and_are_undone():
    bench = Bench("a.jpg", (0,)).picked("mouth_close").adjusted(0.5)
    assert bench.changes == (Change("mouth_close", (0,), 0.5),)
    assert bench.picked("mouth_open").changes == (Change("mouth_open", (0,)),)  # in its place
    two = bench.kept_on().chosen([1, 0]).picked("older_to_younger")
    assert two.changes == (Change("mouth_close", (0,), 0.5), Change("older_to_younger", (0, 1)))
    assert two.without(0).changes == (Change("older_to_younger", (0, 1)),)
    assert two.without(1).changes == (Change("mouth_close", (0,), 0.5),)
    assert two.without(2) == two
    assert bench.kept_on().without(0) == Bench("a.jpg", (0,))


def test_every_step_is_undone_and_none_that_was_none_or_one_drag_counts_twice():
    steps = [Bench("a.jpg", (0,))]
    for step in (
        lambda bench: bench.picked("mouth_close"),
        lambda bench: bench.adjusted(0.5),
        lambda bench: bench.picked("mouth_open"),  # in its place
        lambda bench: bench.insisted(),
        lambda bench: bench.limited(0.8),
        lambda bench: bench.kept_on(),
        lambda bench: bench.chosen([1]),
        lambda bench: bench.picked("older_to_younger"),
        lambda bench: bench.without(0),
    ):
        steps.append(step(steps[-1]))
    bench = steps.pop()
    assert bench.picked("older_to_younger").past == bench.past  # it is picked already
    dragged = bench.adjusted(0.9).adjusted(0.8).adjusted(0.7)
    assert dragged.undone() == bench
    assert dragged.adjusted(1.0).past == bench.past  # where it was
    while steps:
        bench = bench.undone()
        assert bench == steps.pop()
    assert not bench.past and bench.undone() == bench
    for number in range(300):
        bench = bench.picked(("mouth_open", "mouth_close")[number % 2])
    assert len(bench.past) == 100 and not bench.past[-1].past  # it stays small


def test_the_second_change_is_made_on_the_first_and_the_faces_keep_their_order(pool, tmp_path, crowd, detector):
    path = tmp_path / "crowd.png"
    Image.fromarray(crowd).save(path)
    shelf = PhotoShelf(pool)
    first = Change("mouth_open", (0,))
    one, both = shelf.result(str(path), (first,)), shelf.result(str(path), (first, Change("mouth_close", (1,))))
    np.testing.assert_array_equal(both.original, one.photo)
    before, again = shelf.opened(str(path)).faces, shelf.base(str(path), (first,)).faces
    for face, other in zip(before, again, strict=True):
        assert np.abs(face.points5.mean(0) - other.points5.mean(0)).max() < 20
    assert shelf.result(str(path), (first,)) is one  # kept ready
    path.unlink()
    with pytest.raises(PhotoRejected, match="server has deleted"):
        shelf.result(str(path), (first,))


def test_a_saved_file_names_only_the_changes_that_changed_anything(pool, hopper_path):
    shelf, bench = PhotoShelf(pool), Bench(str(hopper_path), (0,)).picked("mouth_close")  # shut already
    data, name = saved_file(shelf, bench, "As the photo")
    assert name == "grace_hopper.jpg" and not read_marks(data).edited
    bench = bench.kept_on().picked("mouth_open").kept_on().picked("mouth_open").adjusted(strength=0)
    data, name = saved_file(shelf, bench, "PNG")
    marks = read_marks(data)
    assert name == "grace_hopper-open-mouth.png"
    assert marks.edited_by == "DIAT mouth_open strength=1" and marks.invisible


def test_the_sentence_says_all_that_was_done_in_order(pool, hopper_path):
    page, bench = PhotoPage(pool, []), Bench(str(hopper_path), (0,)).picked("mouth_close").kept_on()
    said = page.render(bench.picked("mouth_open"))[0]["message"]
    assert said.startswith("Mouth opened. Still recognisable")  # it was closed already
    bench = bench.picked("mouth_open").kept_on()
    assert page.render(bench.picked("mouth_close"))[0]["message"].startswith("Mouth opened. Mouth closed. Still")
    said = page.render(bench.picked("mouth_close").adjusted(0))[0]["message"]
    assert said == "Mouth opened.\nNothing was changed."


@pytest.mark.parametrize("attribute", sorted(ATTRIBUTES))
def test_apply_anyway_is_offered_where_something_comes_of_it_and_nowhere_else(
    attribute, all_pool, collins_path, hopper_path
):
    for path in (collins_path, hopper_path):
        page, bench = PhotoPage(all_pool, []), Bench(str(path), (0,)).picked(attribute)
        shown, anyway, *_ = page.render(bench)
        result = all_pool.get(attribute).edit(path, apply_anyway=True)
        needless = "nothing was changed" in shown["message"]
        assert anyway["visible"] == (needless and not result.unchanged)
        shown, anyway, *_ = page.render(page.insist(bench))
        assert not anyway["visible"]
        assert result.unchanged == ("makes no visible difference" in shown["message"])
        assert page.insist(bench).undone() == bench and page.insist(page.insist(bench)).undone() == bench


def test_undo_and_download_rest_where_nothing_was_changed(pool, collins_path):
    page, start = PhotoPage(pool, []), Bench(str(collins_path), (0,))

    def active(bench):
        _, _, keep, undo, download, *_ = page.render(bench)
        return keep["interactive"], undo["interactive"], download["interactive"]

    unneeded = start.picked("mouth_open")  # it is already
    assert active(start) == active(unneeded) == (False, False, False)
    closed = unneeded.picked("mouth_close")
    assert active(closed) == (True, True, True)
    assert active(closed.adjusted(0)) == active(closed.picked("mouth_open")) == (False, True, False)  # back to it
    assert active(closed.kept_on()) == (False, True, True)
    assert active(closed.undone()) == (False, False, False)
    assert active(closed.chosen([])) == (False, True, False)
    assert active(Bench()) == (False, False, False)


def test_pictures_of_what_was_chosen_earlier_never_replace_those_of_what_was_chosen_later(
    pool, collins_path, monkeypatch
):
    page, begun = PhotoPage(pool, []), []
    bench = Bench(str(collins_path), (0,))

    def overtaken(*arguments):
        if not begun:  # while these are made, others are begun and done
            begun.append("first")
            begun.append(page.effects(bench.picked("mouth_open"))["stamp"])
        return {"stamp": time.monotonic()}

    monkeypatch.setattr(photo_steps, "effects_of", overtaken)
    assert page.effects(bench)["stamp"] < begun[1]


def test_a_change_that_the_page_picks_itself_is_said_to_be_until_the_visitor_does_anything(pool, hopper_path, uploads):
    page = PhotoPage(pool, [])
    *_, (bench, *_) = page.start(str(hopper_path), True, "", 0)
    assert bench.unasked and "Picked for you" in page.render(bench)[0]["message"]
    for step in (bench.picked("mouth_close"), bench.adjusted(0.5), bench.kept_on()):
        assert not step.unasked and step.undone().unasked
    *_, (bench, *_) = page.start(str(hopper_path), True, "mouth_open", 0)
    assert not bench.unasked


def test_the_likeness_of_a_stack_is_to_the_original(pool, detector, hopper, hopper_path):
    shelf = PhotoShelf(pool)
    one, two = Change("mouth_open", (0,)), Change("older_to_younger", (0,))
    last, original = shelf.result(str(hopper_path), (one, two)), shelf.opened(str(hopper_path))
    to_first = Person(detector, original.photo.pixels, last.faces[0]).compared(last.photo)()
    to_last = Person(detector, last.original, last.faces[0]).compared(last.photo)()
    assert last.edited[0].identity_similarity == pytest.approx(to_first)
    assert abs(to_first - to_last) > 0.01
    said = result_sentences(last, [one.attribute])
    assert f"(identity similarity to the original {round(100 * to_first)} %)" in said
    least = to_first + 0.02
    (face,) = shelf.result(str(hopper_path), (one, replace(two, identity=least))).edited
    assert 0 < face.strength < 1 and face.identity_similarity >= least
    (face,) = shelf.result(str(hopper_path), (one, replace(two, identity=0.99))).edited  # the first took more
    assert face.strength == 0


def test_faces_are_numbered_from_left_to_right_and_one_that_cannot_be_changed_says_why(pool, tmp_path, crowd, uploads):
    tiny = np.asarray(Image.fromarray(crowd[:, :512]).resize((90, 90)))
    picture = np.zeros((512, 110 + crowd.shape[1], 3), np.uint8)
    picture[200:290, 10:100], picture[:, 110:] = tiny, crowd[:512]
    Image.fromarray(picture).save(tmp_path / "three.png")
    page, bench = PhotoPage(pool, []), Bench(str(tmp_path / "three.png"), (1, 2)).picked("older_to_younger")
    opened = PhotoShelf(pool).opened(str(tmp_path / "three.png"))
    lefts = [face.box[0] for face in opened.faces]
    assert lefts == sorted(lefts) and len(lefts) == 3
    assert opened.largest == max((1, 2), key=lambda index: opened.faces[index].area)
    items = page._faces(bench, opened)["items"]
    assert [item["caption"] for item in items] == ["Face 1", "Face 2", "Face 3"]
    assert [item["disabled"] for item in items] == [True, False, False]
    assert items[0]["note"] == "too small to change" and "pixels across" in items[0]["why"]
    assert "Faces 2 and 3: " in page.render(bench)[0]["message"]
