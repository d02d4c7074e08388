"""``diat faces`` and ``diat attributes``: what is in photographs, and what can be done."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from diat.attributes import ATTRIBUTES
from diat.cli.files import Named, find_photos
from diat.cli.shared import Reporter, read_stdin
from diat.errors import DiatError

if TYPE_CHECKING:
    from diat.faces import DetectedFaces, Face


def list_attributes(args: argparse.Namespace) -> int:
    """Each attribute, one a line."""
    from diat.hub import EMBEDDED
    from diat.models import WEIGHTS

    for spec in ATTRIBUTES.values():
        embedded = (EMBEDDED / spec.name / WEIGHTS).is_file()
        if args.json:
            print(json.dumps({"name": spec.name, "title": spec.title, "scope": spec.scope, "embedded": embedded}))
        else:
            where = "embedded weights" if embedded else "no embedded weights"
            print(f"{spec.name:18} {spec.title:16} {spec.scope:7} {where}")
    return 0


def list_faces(args: argparse.Namespace) -> int:
    """The faces of each photograph; 1 if one has none."""
    from diat.detector import InsightFaceDetector
    from diat.photo import open_photo

    photos, reporter, detector = find_photos(args.photos, args.recursive), Reporter(args), InsightFaceDetector()
    without = 0
    for photo in photos:
        prefix = f"{photo}: " if len(photos) > 1 else ""
        try:
            source = read_stdin() if photo.path is None else photo.path
            found = detector.detect(open_photo(source).pixels)
        except DiatError as error:
            without += 1
            reporter.record({"input": str(photo), "error": str(error)})
            reporter.fail(f"diat: {prefix}{error}")
            continue
        _report(photo, found, prefix, reporter)
        if not found:
            without += 1
            reporter.fail(f"diat: {prefix}No face found.")
    return 1 if without else 0


def _report(photo: Named, found: DetectedFaces | list[Face], prefix: str, reporter: Reporter) -> None:
    from diat.faces import MAX_FACES_NOTICE, DetectedFaces, crop_side, face_fault

    records = []
    for number, face in enumerate(found, start=1):
        box, side, fault = [round(float(value)) for value in face.box], crop_side(face), face_fault(face)
        why = fault and fault.sentence
        records.append({"face": number, "box": box, "size": round(side), "score": round(face.score, 3), "fault": why})
        left, top, right, bottom = box
        reporter.say(
            f"{prefix}{number}: {side:.0f} pixels across, box ({left}, {top}) to ({right}, {bottom}), "
            f"score {face.score:.2f}" + (f"; cannot be edited: {why}" if why else "")
        )
    if isinstance(found, DetectedFaces) and found.left_out:
        reporter.say(f"{prefix}{MAX_FACES_NOTICE}")
    reporter.record({"input": str(photo), "faces": records})
