"""Fuzz targets: files that a coverage-guided fuzzer makes, until one ends in anything but a result or a sentence.

pip install atheris                       # Linux; Python 3.11 to 3.13
python tests/fuzz.py photo -max_total_time=60      # or frame, or weights; the options are libFuzzer's

It ends with a code that is not 0, and writes the file that did it, when it finds one.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["PIL", "diat.photo", "diat.formats", "diat.keepsake", "diat.models"]):
    import diat.photo
    from diat.errors import ModelRejected, PhotoRejected
    from diat.models import ModelConfig, _weights
    from diat.pages.live_session import decode_frame
    from diat.photo import open_photo

# A GIF of 1.5 KB may unpack to 50 megapixels, which takes 3 s and finds nothing that a small picture does not.
diat.photo.MAX_PIXELS, diat.photo.WORKING_PIXELS = 1_000_000, 250_000


def photo(data: bytes) -> None:
    """`open_photo`."""
    try:
        open_photo(data)
    except PhotoRejected:
        pass


def frame(data: bytes) -> None:
    """The decoder of live frames."""
    try:
        decode_frame(data)
    except PhotoRejected:
        pass


def weights(data: bytes) -> None:
    """The reader of weights, behind the manifest."""
    try:
        _weights(data, ModelConfig("mouth_open"))
    except ModelRejected:
        pass


TARGETS = {"photo": photo, "frame": frame, "weights": weights}


def seeds(target: str, folder: Path) -> None:
    """Small whole files to begin with."""
    import numpy as np
    from corpus import photographs

    if target == "weights":
        from safetensors.numpy import save

        (folder / "0").write_bytes(save({"a": np.zeros((2, 2), np.float16)}, metadata={"format": "pt"}))
        return
    picture = np.random.default_rng(0).integers(0, 256, (24, 24, 3)).astype(np.uint8)
    for number, (name, data) in enumerate(photographs(picture)):
        if name.startswith(("whole", "exif", "orientation")) and (target == "photo" or name.endswith("JPEG")):
            (folder / str(number)).write_bytes(data)


def main() -> None:
    target = sys.argv.pop(1) if len(sys.argv) > 1 else ""
    if target not in TARGETS:
        sys.exit(f"fuzz: name one of {', '.join(TARGETS)}.")
    with tempfile.TemporaryDirectory() as name:
        seeds(target, Path(name))
        atheris.Setup([*sys.argv, "-rss_limit_mb=4096", "-timeout=20", name], TARGETS[target])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
