import json
import sys

import numpy as np
from scripts import ROOT

from diat.evaluation import metrics

sys.path.insert(0, str(ROOT / "train"))

from diat.evaluation.report import as_json, from_json, table  # noqa: E402


def figures():
    hits = metrics.share(np.array([True, True, False, True]))
    value = metrics.mean(np.array([0.9, 0.8, 0.95, 0.85]))
    return {
        "attribute": "mouth_open",
        "count": 4,
        "groups": {"men": {"success": hits, "identity": value}},
        "curve": {"1.0": {"success": 0.75}},
        "how": {"manifest": {"model.safetensors": "abc"}, "strengths": [0.5], "realism": False},
        **{name: hits for name in ("success", "success_untouched", "success_real", "second", "verified")},
        **{name: value for name in ("drift", "identity", "untouched_psnr", "idempotence_psnr", "idempotence_ssim")},
    }


def test_figures_come_back_from_json_as_they_were():
    there = json.loads(json.dumps(as_json([figures()])))
    assert from_json(there) == [figures()]
    assert table(from_json(there)) == table([figures()])


def test_the_table_has_a_row_a_model_with_intervals():
    row = table([figures()]).splitlines()[2]
    assert row.startswith("| mouth_open | 4 | 75.0 (30-95) |")
