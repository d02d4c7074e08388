"""NumPy's and OpenCV's threads of linear algebra have no part in an edit: they would spin beside a busy process."""

import os
import subprocess
import sys

import pytest

from diat.attributes import ATTRIBUTES

# The libraries start their threads when they are imported. What these have worked is in hundredths of a second.
SCRIPT = """
import sys
from pathlib import Path

def threads():
    return {path.name: sum(map(int, (path / "stat").read_text().rsplit(")", 1)[1].split()[11:13]))
            for path in Path("/proc/self/task").iterdir()}

before = threads()
import cv2, numpy
of_blas = threads().keys() - before.keys()
from diat import FaceEditor, FrameStream, InsightFaceDetector, open_photo
detector = InsightFaceDetector()
editors = [FaceEditor.from_pretrained(name, detector=detector, device="cpu") for name in sys.argv[3:]]
photos = [(photo, detector.detect(photo)[:1]) for photo in (open_photo(path).pixels for path in sys.argv[1:3])]
begun = threads()
for editor in editors:
    for photo, faces in photos:
        stream = FrameStream(editor, apply_anyway=True)
        for number in range(4):
            editor.edit_frame(photo, faces, 1.5, apply_anyway=True)
            stream.edit(photo, number / 25)
        editor.edit(photo, found=faces, apply_anyway=True)
done = threads()
print(len(of_blas), sum(done[name] - begun[name] for name in of_blas))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
def test_no_edit_takes_the_threads_of_blas(collins_path, hopper_path):
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(collins_path), str(hopper_path), *ATTRIBUTES],
        env=environment, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    threads, worked = map(int, done.stdout.split())
    if threads == 0:
        pytest.skip("this NumPy's matrices are multiplied by one thread")
    assert worked <= 3, f"BLAS's threads worked for {worked / 100} s"
