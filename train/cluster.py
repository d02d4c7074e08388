"""Clusters of faces by their landmarks (section 5.1): a contact sheet of each, and the fit of the shipped centroids.

    python train/cluster.py --pack data/celeba.pack --output runs/clusters          # sheets of the shipped clusters
    python train/cluster.py --pack data/celeba.pack --output runs/clusters --fit    # k-means anew, into clusters.json

The paper drops 14 of the 62 by eye, those whose faces are partly invisible. Ours: diat/data/landmark_clusters.json.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from commandline import OptionsHelp, run_command
from scipy.cluster.vq import kmeans2

from diat.align import CROP_SIZE, rescaled
from diat.data.clusters import COUNT, SHIPPED, read_clusters, write_sheets
from diat.data.pack import open_pack
from diat.faces import yaw
from diat.pixels import F32

STARTS = 8  # k-means is run from this many starts, and the tightest result kept


def fit(points5: F32) -> F32:
    """K-means of faces by their points. (N, 5, 2) -> (62, 5, 2), the most turned first."""
    flat = points5.reshape(len(points5), 10).astype(np.float64)
    results = [kmeans2(flat, COUNT, minit="++", seed=seed, iter=100) for seed in range(STARTS)]
    centres, _ = min(results, key=lambda result: float(((flat - result[0][result[1]]) ** 2).sum()))
    found: F32 = centres.reshape(-1, 5, 2).astype(np.float32)
    return found[np.argsort([-yaw(centre) for centre in found])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("--pack", type=Path, required=True, help="the data, from prepare.py")
    parser.add_argument("--output", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--fit", action="store_true", help="find new centroids instead of showing the shipped ones")
    args = parser.parse_args()
    pack = open_pack(args.pack)
    path = SHIPPED
    if args.fit:
        centres = fit(rescaled(pack.points5[pack.has_face], pack.size, CROP_SIZE))
        args.output.mkdir(parents=True, exist_ok=True)
        path = args.output / "clusters.json"
        path.write_text(json.dumps({"centroids": np.round(centres.astype(float), 3).tolist(), "dropped": {}}))
        print(f"{path}: look at the sheets, name the dropped, and put it in place of {SHIPPED}")
    print("\n".join(write_sheets(pack, args.output, read_clusters(path))))


if __name__ == "__main__":
    run_command(main)
