"""How steady an edited film is: `FilmFrameEditor` and `LiveFrameEditor` against frame by frame, and the film untouched.

    python benchmarks/stability.py film.mp4 --attribute mouth_close
    python benchmarks/stability.py film.mp4 --attribute eyeglasses_remove --sheet strips.png

Every figure is the mean difference between neighbouring frames in units of 0..255, the largest face of each laid over
that of the frame before by the followed face's own alignment, over the pixels that any of the three ways changes in
either. Lower is steadier. It is what a viewer sees: whether a mouth that is shut stays still. "original" is the
untouched film in the same pixels, "beside" that in the untouched ones around them: what light, grain and the head's own
movement make of any face. A mouth that talks is less steady untouched than when it is shut in every frame.

Landmarks are sure of slow movements only, so the figures come by how far the face moves between two frames as well. The
sheet shows every tenth frame's face: original, and the three ways.
"""

from __future__ import annotations

import json
from pathlib import Path

import av
import cv2
import numpy as np
from common import editor_of, option_parser
from tqdm import tqdm

from diat.align import CELEBA_TEMPLATE_128, CROP_SIZE, photo_to_crop_matrix, warp_to_crop
from diat.editor import FaceEditor
from diat.faces import face_fault
from diat.pixels import F32, U8, contact_sheet, save_image
from diat.video.colours import upright
from diat.video.film import DETECTION_INTERVAL
from diat.video.steady import FilmFrameEditor, LiveFrameEditor
from diat.video.tracking import FaceTracker, Track

WAYS = ("film", "live", "frame by frame")
SLOW = 0.1  # inter-ocular distances a frame
VISIBLE = 4.0  # levels of 255 from which a pixel counts as changed
BESIDE = 9  # side in pixels of the crop by which "beside" reaches out from what is changed
LEAST = 20  # pixels of the crop that must be changed, or there is nothing to be steady

Pairs = list[tuple[float, list[float]]]  # by pair of frames: the face's movement, and each difference


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


def edited(editor: FaceEditor, frames: list[U8], followed: list[list[Track]]) -> list[list[U8]]:
    """The film by each of `WAYS`; ``followed`` are the faces of each frame to edit."""
    film, live = FilmFrameEditor(editor), LiveFrameEditor(editor)
    ways: list[list[U8]] = [[], [], []]
    for frame, tracks in zip(tqdm(frames, unit="frame"), followed, strict=True):
        ways[0] += film.add(frame, tracks)
        ways[1].append(live.edit(frame, tracks))
        found = [face for face in editor.detector.detect(frame)[:1] if face_fault(face) is None]
        ways[2].append(editor.edit_frame(frame, found))
    ways[0] += film.rest()
    return ways


def unrest(frames: list[U8], ways: list[list[U8]], followed: list[list[Track]]) -> Pairs:
    """By pair of frames: how far the face moved, in inter-ocular distances, and how each way's faces differ.

    The last two of the values are the original's, there and beside it.
    """
    values: Pairs = []
    before: list[F32] = []
    last: Track | None = None
    for number, tracks in enumerate(followed):
        track = tracks[0] if tracks else None
        crops = [_crop(pictures[number], track) for pictures in (*ways, frames)] if track else []
        if track is not None and last is not None and track.number == last.number:
            touched = np.any(
                [np.abs(crop - seen[-1]).mean(-1) > VISIBLE for seen in (before, crops) for crop in seen], axis=0
            )
            beside = (cv2.dilate(touched.astype(np.uint8), np.ones((BESIDE, BESIDE), np.uint8)) > 0) & ~touched
            if touched.sum() >= LEAST:
                differences = [float(np.abs(a - b)[touched].mean()) for a, b in zip(before, crops, strict=True)]
                differences.append(float(np.abs(before[-1] - crops[-1])[beside].mean()))
                values.append((_movement(last, track), differences))
        before, last = crops, track
    return values


def _crop(picture: U8, track: Track) -> F32:
    matrix = photo_to_crop_matrix(track.face.points5)
    return np.asarray(warp_to_crop(picture, matrix, CROP_SIZE), np.float32)


def _movement(last: Track, track: Track) -> float:
    eyes = []
    for one in (last, track):
        back = cv2.invertAffineTransform(photo_to_crop_matrix(one.face.points5))
        eyes.append(CELEBA_TEMPLATE_128[:2] @ back[:, :2].T + back[:, 2])
    return float(np.linalg.norm((eyes[1] - eyes[0]).mean(0)) / np.linalg.norm(eyes[1][1] - eyes[1][0]))


def summary(values: Pairs) -> dict[str, object]:
    """The mean difference of each way, and how many times steadier than frame by frame they are."""

    def means_of(some: list[list[float]]) -> dict[str, object]:
        if not some:
            return {"pairs of frames": 0}
        means = np.mean(some, axis=0)
        each = {name: round(float(mean), 3) for name, mean in zip((*WAYS, "original", "beside"), means, strict=True)}
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
    followed = [tracker.update(frame, number / rate)[:1] for number, frame in enumerate(frames)]
    followed = [[track for track in tracks if face_fault(track.face) is None] for tracks in followed]
    ways = edited(editor, frames, followed)
    result = {"film": args.film.name, "attribute": args.attribute, **summary(unrest(frames, ways, followed))}
    print(json.dumps(result, indent=1))
    if args.sheet:
        rows = [
            tuple(_crop(pictures[number], tracks[0]).astype(np.uint8) for pictures in (frames, *ways))
            for number, tracks in enumerate(followed)
            if tracks and number % 10 == 0
        ]
        save_image(args.sheet, contact_sheet(rows, columns=4))


if __name__ == "__main__":
    main()
