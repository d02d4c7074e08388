"""Changes of a photograph, one on top of another, and what the page says of them; without a server."""

from __future__ import annotations

import time
from dataclasses import replace

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from diat.attributes import ATTRIBUTES
from diat.errors import PhotoRejected
from diat.identity import Person
from diat.marks import read_marks
from diat.pages import photo_steps
from diat.pages.bench import Bench, Change
from diat.pages.first_sight import Example
from diat.pages.parts import likeness_details
from diat.pages.photo_shown import faces_of
from diat.pages.photo_steps import PhotoPage
from diat.pages.saving import saved_file
from diat.pages.shelf import PhotoShelf


def begun(page: PhotoPage, photo: str, wanted: str = "", bench: Bench | None = None) -> Bench:
    """A photograph that was chosen, with its first change."""
    (bench, *_), (*_, name) = page.start(photo, True, wanted, 0, bench or Bench())
    return page.begin(bench, name, wanted)[0]


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
        bench = bench.picked(("mouth_open", "mouth_close")[number % 2]).insisted()
    assert len(bench.past) == 100 and not bench.past[-1].past  # it stays small


def test_what_is_looked_at_in_a_row_and_what_is_put_on_top_of_a_kept_change_is_one_step():
    plain = Bench("a.jpg", (0,))
    one = plain.picked("smile").picked("mouth_open").picked("mouth_close")
    assert one.undone() == plain
    kept = one.kept_on()
    assert kept.undone() == one
    two = kept.picked("smile").picked("older_to_younger")
    assert two.undone() == one and two.undone().undone() == plain
    weaker = two.adjusted(0.5)
    assert weaker.picked("smile").undone() == weaker  # no work is lost
    off = two.unpicked()
    assert off.changes == kept.changes and off.undone() == two and off.picked("smile").undone() == off
    assert plain.begun("smile", unasked=True).picked("mouth_open").undone() == plain
    asked = plain.begun("smile", unasked=False)
    assert asked.picked("mouth_open").undone() == asked


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
    data, name = saved_file(shelf, bench, "Same as the photo")
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
    assert active(closed.adjusted(0)) == active(closed.unpicked()) == (False, True, False)  # back to it
    assert active(closed.picked("mouth_open")) == (False, False, False)  # to the photograph as it is
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
    bench = begun(page, str(hopper_path))
    assert bench.unasked and "Picked for you" in page.render(bench)[0]["message"]
    assert not bench.picked("mouth_close").unasked
    for step in (bench.adjusted(0.5), bench.kept_on()):
        assert not step.unasked and step.undone().unasked
    assert not begun(page, str(hopper_path), "mouth_open").unasked


def test_undo_brings_the_visitors_photograph_back_after_an_example_and_after_one_that_cannot_be_used(
    pool, uploads, tmp_path, hopper_path, collins_path
):
    example = Example(collins_path, "mouth_close", collins_path)
    page, own, wall = PhotoPage(pool, [example]), tmp_path / "own.jpg", tmp_path / "wall.png"
    own.write_bytes(hopper_path.read_bytes())
    Image.new("RGB", (200, 200), "grey").save(wall)
    mine = begun(page, str(own)).picked("older_to_younger")
    theirs = begun(page, str(collins_path), "mouth_close", mine)
    assert theirs.photo == str(collins_path) and page.render(theirs)[3]["interactive"] is not False
    back, photo, *_ = page.undo(theirs, True)  # in one click
    assert back == mine and back.past == mine.past and photo == str(own)
    back, photo, *_ = page.undo(page.undo(theirs.picked("mouth_open"), True)[0], True)
    assert back == mine and photo == str(own)
    ((refused, *_),) = page.start(str(wall), True, "", 0, mine)
    assert refused.photo is None and page.render(refused)[3]["interactive"]
    assert page.undo(refused, True)[:2] == (mine, str(own))
    for not_any_more in (lambda: page.undo(theirs, False), lambda: (own.unlink(), page.undo(theirs, True))[1]):
        assert not_any_more() == (gr.skip(),) * 6  # said, and nothing moves
    ((gone, *_),) = page.start(None, True, "", 0, mine, taken_out=True)  # by the visitor
    assert not gone.past
    ((camera, *_),) = page.start(None, True, "", 0, mine)  # the camera has its place
    assert camera.undone() == mine


def test_undo_takes_back_what_the_page_picked_before_it_takes_the_photograph(pool, uploads, tmp_path, hopper_path):
    other = tmp_path / "other.jpg"
    other.write_bytes(hopper_path.read_bytes())
    page = PhotoPage(pool, [])
    mine = begun(page, str(other), bench=begun(page, str(hopper_path)))
    assert mine.unasked and mine.photo == str(other)
    plain, photo, *_ = page.undo(mine, True)
    assert (plain.photo, plain.current, photo) == (str(other), None, gr.skip())
    assert page.undo(plain, True)[0].photo == str(hopper_path)


def test_a_first_change_takes_nothing_back_that_was_clicked_meanwhile(pool, uploads, tmp_path, crowd):
    path = tmp_path / "crowd.png"
    Image.fromarray(crowd).save(path)
    page = PhotoPage(pool, [])
    (bench, *_), (*_, name) = page.start(str(path), True, "", 0, Bench())
    assert page.begin(bench.chosen([0, 1]), name, "")[0].current == Change(name, (0, 1))
    assert page.begin(bench.picked("older_to_younger"), name, "")[0] == gr.skip()


def test_what_is_applied_anyway_is_shown_and_not_called_needless(all_pool, uploads, collins_path, tmp_path, crowd):
    page, bench = PhotoPage(all_pool, []), Bench(str(collins_path), (0,)).picked("smile")

    def tile(bench):
        (item,) = [item for item in page.effects(bench)["items"] if item["id"] == "smile"]
        return item["note"], item["image"]["path"]

    needless = tile(bench)
    assert needless[0] == "nothing to change"
    applied = tile(bench.insisted())
    assert applied[0] == "" and applied[1] != needless[1]
    assert tile(bench.insisted().picked("mouth_close")) == needless
    Image.fromarray(crowd).save(tmp_path / "crowd.png")
    both = page.effects(Bench(str(tmp_path / "crowd.png"), (0, 1)).picked("older_to_younger"))
    notes = {item["note"] for item in both["items"]} - {""}
    assert both["title"] == "What to change (shown on face 1)" and notes == {"no change on face 1"}


def test_only_what_was_changed_is_on_the_photograph(all_pool, hopper_path, tmp_path, crowd):
    page, bench = PhotoPage(all_pool, []), Bench(str(hopper_path), (0,)).picked("mouth_open").kept_on()
    needless = bench.picked("eyeglasses_remove").kept_on().picked("eyeglasses_remove")  # they are off by then
    steps = page.render(needless)[5]["steps"]
    assert [number for number, _ in steps] == [0, 1]
    assert page.render(bench.picked("older_to_younger").chosen([]))[5]["steps"] == [[0, "Open mouth"]]
    Image.fromarray(crowd).save(tmp_path / "crowd.png")
    both = Bench(str(tmp_path / "crowd.png"), (0, 1)).picked("eyeglasses_remove").kept_on()
    assert page.render(both)[5]["steps"] == [[0, "Remove glasses (face 1)"]]  # the other wears none


def test_the_likeness_of_a_stack_is_to_the_original(pool, detector, hopper, hopper_path):
    shelf = PhotoShelf(pool)
    one, two = Change("mouth_open", (0,)), Change("older_to_younger", (0,))
    last, original = shelf.result(str(hopper_path), (one, two)), shelf.opened(str(hopper_path))
    to_first = Person(detector, original.photo.pixels, last.faces[0]).compared(last.photo)()
    to_last = Person(detector, last.original, last.faces[0]).compared(last.photo)()
    assert last.edited[0].identity_similarity == pytest.approx(to_first)
    assert abs(to_first - to_last) > 0.01
    assert f"Identity similarity to the original: {round(100 * to_first)} %." in likeness_details(last)
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
    items = faces_of(bench, opened)["items"]
    assert [item["caption"] for item in items] == ["Face 1", "Face 2", "Face 3"]
    assert [item["disabled"] for item in items] == [True, False, False]
    assert items[0]["note"] == "too small to change" and "pixels across" in items[0]["why"]
    assert "Faces 2 and 3: " in page.render(bench)[0]["message"]


def test_to_agree_before_there_is_a_photograph_changes_nothing_that_is_shown(pool, uploads):
    assert list(PhotoPage(pool, []).agree(None, True, "", 0, Bench())) == [(gr.skip(),) * 6]
