"""How steady a change is over time: as in videos and live (`FrameEditor`) against every frame by itself.

    python benchmarks/stability.py film.mp4 --attribute mouth_close
    python benchmarks/stability.py film.mp4 --attribute eyeglasses_remove --sheet strips.png

The change of a frame (edited less original) is moved onto the next frame as the face moved there, and compared with
that frame's own change. The figure is the mean difference over the pixels that change, in units of 0..255, over all
pairs of frames; lower is steadier. A ratio of 2 means that following halves it. The sheet shows every tenth frame's
face: original, followed, found anew.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import av
import cv2
import numpy as np
from tqdm import tqdm

from diat.editor import FaceEditor
from diat.faces import Face
from diat.frames import FrameEditor
from diat.tracking import FaceTracker
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


def movement(before: np.ndarray, after: np.ndarray, face: Face) -> np.ndarray | None:
    """The similarity that takes the face of one frame to the next, from the pixels alone; None after a cut."""
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (before, after)]
    left, top, right, bottom = box_of(face, before.shape)
    mask = np.zeros_like(grey[0])
    mask[top:bottom, left:right] = 255
    corners = cv2.goodFeaturesToTrack(grey[0], 200, 0.005, 4, mask=mask)
    if corners is None:
        return None
    moved, found, _ = cv2.calcOpticalFlowPyrLK(grey[0], grey[1], corners, None, winSize=(21, 21), maxLevel=3)
    there = found.ravel() == 1
    matrix, inliers = cv2.estimateAffinePartial2D(corners[there], moved[there], ransacReprojThreshold=1.0)
    return matrix if matrix is not None and inliers.sum() >= 0.5 * len(corners) else None


def flicker(frames: list[np.ndarray], changes: list[np.ndarray], faces: list[Face | None]) -> float:
    """The figure of the head of this file."""
    values = []
    for number in range(1, len(frames)):
        face, before = faces[number - 1], frames[number - 1]
        if face is None or faces[number] is None:
            continue
        matrix = movement(before, frames[number], face)
        if matrix is None:
            continue
        size = before.shape[1::-1]
        carried = cv2.warpAffine(changes[number - 1], matrix, size)
        touched = (np.abs(carried).mean(-1) > 4) | (np.abs(changes[number]).mean(-1) > 4)
        if touched.any():
            values.append(float(np.abs(carried - changes[number])[touched].mean()))
    return float(np.mean(values)) if values else float("nan")


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
    steady = FrameEditor(editor)
    ways: dict[str, list[Face | None]] = {"followed": [], "found anew": []}
    edited: dict[str, list[np.ndarray]] = {"followed": [], "found anew": []}
    for number, frame in enumerate(tqdm(frames, unit="frame")):
        tracks = tracker.update(frame, number / rate)
        ways["followed"].append(tracks[0].face if tracks else None)
        edited["followed"].append(steady.edit(frame, tracks[:1]))
        found = editor.detector.detect(frame)
        ways["found anew"].append(found[0] if found else None)
        edited["found anew"].append(editor.edit_frame(frame, found[:1]))
    # Both are carried from frame to frame by the same movement.
    result = {
        name: flicker(frames, [e.astype(np.float32) - f for e, f in zip(made, frames, strict=True)], ways["found anew"])
        for name, made in edited.items()
    }
    ratio = result["found anew"] / result["followed"]
    print(json.dumps({"film": args.film.name, "frames": len(frames), **result, "times steadier": round(ratio, 2)}))
    if args.sheet:
        rows = []
        for number in range(0, len(frames), 10):
            face = ways["followed"][number]
            if face is not None:
                left, top, right, bottom = box_of(face, frames[number].shape)
                cells = (frames[number], edited["followed"][number], edited["found anew"][number])
                rows.append(tuple(cv2.resize(cell[top:bottom, left:right], (160, 160)) for cell in cells))
        save_image(args.sheet, contact_sheet(rows, columns=3))


if __name__ == "__main__":
    main()
