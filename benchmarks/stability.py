"""How steady a change is over time: `FilmFrameEditor` and `LiveFrameEditor` against frame by frame.

    python benchmarks/stability.py film.mp4 --attribute mouth_close
    python benchmarks/stability.py film.mp4 --attribute eyeglasses_remove --sheet strips.png

Two figures, each the mean difference between neighbouring frames in units of 0..255; lower is steadier, and "times
steadier" is against frame by frame.

- "result": the changed face itself, laid over that of the frame before by the followed face's own alignment, over the
  pixels where T's change mostly replaces what was there (`align.replaced_by`). It is what a viewer sees: whether a
  mouth that is shut stays still. "original" is the untouched film in the same pixels, and "beside" that in the
  untouched ones around the change: what light, grain and the head's own movement make of any face.
- "change": what was added, before it is rounded to 8 bits, moved onto the next frame as the original's pixels moved
  there (dense optical flow), as in Lai et al. 2018 (Learning Blind Video Temporal Consistency), over the pixels that
  any way changes; those that came into sight or went out of it do not count. Where a mouth talks the two do not agree:
  what is added to shut it must move as the mouth does, and a mouth kept perfectly still scores worse than a trembling
  one.

Both need landmarks or flow, which are sure of slow movements only, so the figures come by how far the face moves
between two frames as well. The sheet shows every tenth frame's face: original, and the three ways.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np
from common import editor_of, option_parser
from numpy.typing import NDArray
from tqdm import tqdm

from diat.align import CELEBA_TEMPLATE_128, change_of_photo, replaced_by, warp_to_crop
from diat.detail import DetailFade
from diat.editor import FaceEditor
from diat.faces import Face, face_fault
from diat.pixels import F32, U8, contact_sheet, save_image
from diat.video.colours import upright
from diat.video.film import DETECTION_INTERVAL
from diat.video.steady import BilateralTimeFilter, LiveFrameEditor
from diat.video.tracking import FaceTracker, Track
from diat.video.window import FaceEdit

WAYS = ("film", "live", "frame by frame")
SLOW = 0.1  # inter-ocular distances a frame
VISIBLE = 4.0  # levels of 255 from which a pixel counts as changed
CERTAIN = 0.5  # share of the face that must be found in the frame before; less is a cut
BESIDE = 9  # side in pixels of the crop by which "beside" reaches out from what is changed

Ways = list[list[F32]]  # by way, by frame: what is added to it, (H, W, 3)
Pairs = list[tuple[float, list[float]]]  # by pair of frames: the face's movement, and a difference for each way


def frames_of(path: Path, limit: int) -> tuple[list[U8], float]:
    """The first frames of a film, upright (H, W, 3) RGB, and their rate in frames a second."""
    frames = []
    with av.open(str(path)) as container:
        rate = float(container.streams.video[0].average_rate or 25)
        for frame in container.decode(video=0):
            frames.append(upright(frame))
            if len(frames) == limit:
                break
    return frames, rate


def box_of(face: Face, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """The face with some room, cut to the frame."""
    left, top, right, bottom = face.box
    room = 0.25 * (bottom - top)
    return (
        max(0, int(left - room)),
        max(0, int(top - room)),
        min(shape[1], int(right + room)),
        min(shape[0], int(bottom + room)),
    )


class Seen(NamedTuple):
    """A face of a frame, and T's change of it."""

    number: int  # of the track
    matrix: F32  # (2, 3) frame to crop
    crop: U8  # (S, S, 3)
    mask: F32  # (S, S)
    change: F32  # (S, S, 3)


def seen(editor: FaceEditor, frame: U8, tracks: list[Track]) -> Seen | None:
    if not tracks or face_fault(tracks[0].face) is not None:
        return None
    aligned = editor.aligned(frame, tracks[0].face)
    return Seen(tracks[0].number, aligned.matrix, aligned.crop, aligned.mask, editor.changes([aligned])[0])


def live(editor: FaceEditor, faces: list[Seen | None]) -> list[Seen | None]:
    steady = LiveFrameEditor(editor)
    return [face and face._replace(change=steady.smooth(face.number, face.crop, face.change)) for face in faces]


def film(editor: FaceEditor, faces: list[Seen | None]) -> list[Seen | None]:
    steady = BilateralTimeFilter(editor.spec.detail_fade)
    settled = []
    for face in faces:
        settled += steady.add({face.number: FaceEdit(face.crop, face.change)} if face else {})
    settled += steady.rest()
    return [face and face._replace(change=of[face.number]) for face, of in zip(faces, settled, strict=True)]


def added(editor: FaceEditor, frame: U8, face: Seen | None) -> F32:
    """What a change adds to the frame, (H, W, 3) float."""
    everywhere = np.zeros(frame.shape, np.float32)
    if face is not None:
        fade = editor.spec.detail_fade
        made = change_of_photo(frame, face.crop, face.change, face.mask, face.matrix, 1.0, fade)
        if made is not None:
            part, (left, top, right, bottom) = made
            everywhere[top:bottom, left:right] = part
    return everywhere


def came_from(before: U8, after: U8) -> tuple[F32, NDArray[np.bool_]]:
    """Where every pixel of a picture was in the one before, (H, W, 2), and where that is certain, (H, W)."""
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (before, after)]
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    nothing = np.zeros((*before.shape[:2], 2), np.float32)
    back, forth = (flow.calc(a, b, nothing.copy()).astype(np.float32) for a, b in (grey[::-1], grey))
    ys, xs = np.indices(before.shape[:2], dtype=np.float32)
    place = (np.stack([xs, ys], -1) + back).astype(np.float32)
    returned = back + moved_by(forth, place)
    # The occlusion test of Sundaram et al. 2010, which Lai et al. use.
    allowed = 0.01 * ((back**2).sum(-1) + (forth**2).sum(-1)) + 0.5
    return place, (returned**2).sum(-1) < allowed


def moved_by(values: F32, place: F32) -> F32:
    """Values, (H, W, C), taken at the places (x, y), (H, W, 2), by linear interpolation."""
    return np.asarray(cv2.remap(values, place[..., 0], place[..., 1], cv2.INTER_LINEAR), np.float32)


def flicker(frames: list[U8], ways: Ways, faces: list[Face | None]) -> Pairs:
    """By pair of frames: how far the face moved, in inter-ocular distances, and each way's difference."""
    values = []
    for number in range(1, len(frames)):
        face = faces[number]
        if face is None or faces[number - 1] is None:
            continue
        left, top, right, bottom = box_of(face, frames[number].shape)
        before, after = (frames[k][top:bottom, left:right] for k in (number - 1, number))
        place, certain = came_from(before, after)
        if certain.mean() < CERTAIN:
            continue
        changes = [[way[k][top:bottom, left:right] for k in (number - 1, number)] for way in ways]
        carried = [(moved_by(old, place), new) for old, new in changes]
        touched = np.any([np.abs(change).mean(-1) > VISIBLE for pair in carried for change in pair], axis=0) & certain
        if touched.any():
            moved = np.linalg.norm(place - np.indices(certain.shape)[::-1].transpose(1, 2, 0), axis=-1)
            eyes = float(np.linalg.norm(face.points5[1] - face.points5[0]))
            differences = [float(np.abs(old - new)[touched].mean()) for old, new in carried]
            values.append((float(np.median(moved)) / eyes, differences))
    return values


def unrest(frames: list[U8], ways: Ways, followed: list[Seen | None], fade: DetailFade) -> Pairs:
    """By pair of frames: how far the face moved, in inter-ocular distances, and how each way's result differs.

    The last two of the values are the original's, there and beside it.
    """

    def replaced(face: Seen) -> NDArray[np.bool_]:
        return face.mask * replaced_by(face.change, fade) > 0.5

    values = []
    before: list[F32] = []
    for number, face in enumerate(followed):
        last = followed[number - 1] if number else None
        pictures = [np.clip(np.rint(frames[number] + way[number]), 0, 255).astype(np.uint8) for way in ways]
        pictures.append(frames[number])
        size = len(face.crop) if face else 0
        crops = [warp_to_crop(picture, face.matrix, size).astype(np.float32) for picture in pictures] if face else []
        if face is not None and last is not None and last.number == face.number:
            pairs = [(old[-1], old) for old in (before, crops)]
            touched = np.any([np.abs(crop - own).mean(-1) > VISIBLE for own, old in pairs for crop in old], axis=0)
            beside = (cv2.dilate(touched.astype(np.uint8), np.ones((BESIDE, BESIDE), np.uint8)) > 0) & ~touched
            replacing = replaced(face) | replaced(last)
            if replacing.any():
                eyes = cv2.invertAffineTransform(face.matrix), cv2.invertAffineTransform(last.matrix)
                middle, last_middle = (CELEBA_TEMPLATE_128[:2] @ matrix[:, :2].T + matrix[:, 2] for matrix in eyes)
                moved = np.linalg.norm((middle - last_middle).mean(0)) / np.linalg.norm(middle[1] - middle[0])
                differences = [float(np.abs(a - b)[replacing].mean()) for a, b in zip(before, crops, strict=True)]
                differences.append(float(np.abs(before[-1] - crops[-1])[beside].mean()))
                values.append((float(moved), differences))
        before = crops
    return values


def summary(values: Pairs) -> dict[str, object]:
    """The mean difference of each way, and how many times steadier than frame by frame they are."""

    def means_of(some: list[list[float]]) -> dict[str, object]:
        if not some:
            return {"pairs of frames": 0}
        means = np.mean(some, axis=0)
        each = {name: round(float(mean), 3) for name, mean in zip((*WAYS, "original", "beside"), means, strict=False)}
        times = {name: round(float(means[2] / mean), 2) for name, mean in zip(WAYS[:2], means, strict=False)}
        return {"pairs of frames": len(some), **each, "times steadier": times}

    return {
        "all": means_of([differences for _, differences in values]),
        f"face moves under {SLOW} of the eyes' distance": means_of([each for moved, each in values if moved < SLOW]),
        "faster": means_of([differences for moved, differences in values if moved >= SLOW]),
    }


def main() -> None:
    parser = option_parser(__doc__)
    parser.add_argument("film", type=Path)
    parser.add_argument("--attribute", required=True)
    parser.add_argument("--model", help="a folder or Hub repository instead of the embedded weights")
    parser.add_argument("--limit", type=int, default=150, help="frames")
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    editor = editor_of(args.attribute, args.model)
    frames, rate = frames_of(args.film, args.limit)
    tracker = FaceTracker(editor.detector, DETECTION_INTERVAL)
    followed, anew, faces = [], [], []
    for number, frame in enumerate(tqdm(frames, unit="frame")):
        followed.append(seen(editor, frame, tracker.update(frame, number / rate)))
        found = editor.detector.detect(frame)[:1]
        anew.append(seen(editor, frame, [Track(0, face) for face in found]))
        faces.append(found[0] if found else None)
    settled = (film(editor, followed), live(editor, followed), anew)
    ways = [[added(editor, frame, face) for frame, face in zip(frames, way, strict=True)] for way in settled]
    result = {
        "film": args.film.name,
        "attribute": args.attribute,
        "result": summary(unrest(frames, ways, followed, editor.spec.detail_fade)),
        "change": summary(flicker(frames, ways, faces)),
    }
    print(json.dumps(result, indent=1))
    if args.sheet:
        rows = []
        for number in range(0, len(frames), 10):
            face = faces[number]
            if face is not None:
                left, top, right, bottom = box_of(face, frames[number].shape)
                edited = (np.clip(np.rint(frames[number] + way[number]), 0, 255).astype(np.uint8) for way in ways)
                cells = (frames[number], *edited)
                rows.append(tuple(cv2.resize(cell[top:bottom, left:right], (160, 160)) for cell in cells))
        save_image(args.sheet, contact_sheet(rows, columns=4))


if __name__ == "__main__":
    main()
