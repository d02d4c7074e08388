"""How steady a change is over time: as in videos and live (`FrameEditor`) against every frame by itself.

    python benchmarks/stability.py film.mp4 --attribute mouth_close
    python benchmarks/stability.py film.mp4 --attribute eyeglasses_remove --sheet strips.png

The change of a frame, before it is rounded to 8 bits, is moved onto the next frame as the pixels of the original moved
there (dense optical flow), and compared with that frame's own change. As in Lai et al. 2018 (Learning Blind Video
Temporal Consistency), pixels that came into sight or went out of it do not count: there is nothing to be steady with.
The figure is the mean difference over the pixels that either way changes, in units of 0..255, over all pairs of frames;
lower is steadier. A ratio of 2 means that following halves it. The sheet shows every tenth frame's face: original,
followed, found anew.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import av
import cv2
import numpy as np
from tqdm import tqdm

from diat.align import change_of_photo
from diat.editor import FaceEditor
from diat.faces import Face, face_fault
from diat.frames import FrameEditor
from diat.tracking import FaceTracker, Track
from diat.training import contact_sheet, save_image
from diat.video import DETECTION_INTERVAL, upright


def frames_of(path: Path, limit: int) -> tuple[list[np.ndarray], float]:
    frames = []
    with av.open(str(path)) as container:
        rate = float(container.streams.video[0].average_rate)
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


class Way:
    """One way of working, frame after frame: which face is changed, and what is added to the frame."""

    def __init__(self, editor: FaceEditor, steady: FrameEditor | None) -> None:
        self.editor, self.steady = editor, steady
        self.edited: list[np.ndarray] = []
        self.added: list[np.ndarray] = []  # (H, W, 3) float

    def step(self, frame: np.ndarray, tracks: list[Track]) -> None:
        added = np.zeros(frame.shape, np.float32)
        for track in tracks:
            if face_fault(track.face) is None:
                matrix, crop, mask = self.editor.aligned(frame, track.face)
                change = self.editor.changes([crop], [mask])[0]
                if self.steady is not None:
                    change = self.steady.settled(track.number, crop, change)
                made = change_of_photo(frame, crop, change, mask, matrix, 1.0, self.editor.spec.replaces)
                if made is not None:
                    part, (left, top, right, bottom) = made
                    added[top:bottom, left:right] = part
        self.edited.append(np.clip(np.rint(frame + added), 0, 255).astype(np.uint8))
        self.added.append(added)


def came_from(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where every pixel of a picture was in the one before, (H, W, 2), and where that is certain, (H, W)."""
    grey = [cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) for picture in (before, after)]
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    back, forth = flow.calc(grey[1], grey[0], None), flow.calc(grey[0], grey[1], None)
    ys, xs = np.indices(grey[0].shape, dtype=np.float32)
    place = np.stack([xs, ys], -1) + back
    returned = back + cv2.remap(forth, place, None, cv2.INTER_LINEAR)
    # The occlusion test of Sundaram et al. 2010, which Lai et al. use.
    allowed = 0.01 * ((back**2).sum(-1) + (forth**2).sum(-1)) + 0.5
    return place, (returned**2).sum(-1) < allowed


def flicker(frames: list[np.ndarray], ways: list[Way], faces: list[Face | None]) -> list[float]:
    """The figure of the head of this file, of each way."""
    values = []
    for number in range(1, len(frames)):
        face = faces[number]
        if face is None or faces[number - 1] is None:
            continue
        left, top, right, bottom = box_of(face, frames[number].shape)
        before, after = (frames[k][top:bottom, left:right] for k in (number - 1, number))
        place, certain = came_from(before, after)
        if certain.mean() < 0.5:  # a cut
            continue
        changes = [[way.added[k][top:bottom, left:right] for k in (number - 1, number)] for way in ways]
        carried = [(cv2.remap(old, place, None, cv2.INTER_LINEAR), new) for old, new in changes]
        touched = np.any([np.abs(change).mean(-1) > 4 for pair in carried for change in pair], axis=0) & certain
        if touched.any():
            values.append([float(np.abs(old - new)[touched].mean()) for old, new in carried])
    return np.mean(values, axis=0).tolist() if values else [float("nan")] * len(ways)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("film", type=Path)
    parser.add_argument("--attribute", required=True)
    parser.add_argument("--model", help="a folder or Hub repository instead of the embedded weights")
    parser.add_argument("--limit", type=int, default=150, help="frames")
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    editor = FaceEditor.from_pretrained(args.model or args.attribute, attribute=args.attribute)
    frames, rate = frames_of(args.film, args.limit)
    tracker = FaceTracker(editor.detector, DETECTION_INTERVAL)
    followed, anew = Way(editor, FrameEditor(editor)), Way(editor, None)
    faces: list[Face | None] = []
    for number, frame in enumerate(tqdm(frames, unit="frame")):
        followed.step(frame, tracker.update(frame, number / rate)[:1])
        found = editor.detector.detect(frame)[:1]
        anew.step(frame, [Track(0, face) for face in found])
        faces.append(found[0] if found else None)
    steady, trembling = flicker(frames, [followed, anew], faces)
    result = {"followed": round(steady, 3), "found anew": round(trembling, 3)}
    ratio = round(trembling / steady, 2)
    print(json.dumps({"film": args.film.name, "frames": len(frames), **result, "times steadier": ratio}))
    if args.sheet:
        rows = []
        for number in range(0, len(frames), 10):
            face = faces[number]
            if face is not None:
                left, top, right, bottom = box_of(face, frames[number].shape)
                cells = (frames[number], followed.edited[number], anew.edited[number])
                rows.append(tuple(cv2.resize(cell[top:bottom, left:right], (160, 160)) for cell in cells))
        save_image(args.sheet, contact_sheet(rows, columns=3))


if __name__ == "__main__":
    main()
