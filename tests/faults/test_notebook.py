"""The notebook runs from its first cell to its last, on a tiny data set."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from PIL import Image
from scripts import ROOT

from diat.provenance import is_marked

NOTEBOOK = ROOT / "notebooks" / "your_own_attribute.ipynb"
QUICK = "--size 64 --batch 4 --sample-every 2 --save-every 2 --d-warmup 0"


def test_the_notebook_trains_an_attribute_and_uses_it(tiny_celeba, tmp_path):
    cells = json.loads(NOTEBOOK.read_text())["cells"]
    code = "\n".join(cell["source"] for cell in cells if cell["cell_type"] == "code")
    names = {"DIAT_CELEBA": str(tiny_celeba), "DIAT_WORK": str(tmp_path), "DIAT_STEPS": "2", "DIAT_MORE": QUICK}
    environment = {**os.environ, **names, "DIAT_ROOT": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert "input set" in done.stdout
    assert is_marked((tmp_path / "Smiling" / "edited.jpg").read_bytes())
    assert Image.open(tmp_path / "Smiling" / "samples" / "000002.png").height > 64
