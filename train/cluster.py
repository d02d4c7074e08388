"""Clusters of faces by their landmarks (section 5.1): a contact sheet of each, and the fit of the shipped centroids.

    python train/cluster.py --pack data/celeba.pack --output runs/clusters          # sheets of the shipped clusters
    python train/cluster.py --pack data/celeba.pack --output runs/clusters --fit    # k-means anew, into clusters.json

The paper drops 14 of the 62 by eye, those whose faces are partly invisible. Ours are in diat/landmark_clusters.json.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import cv2
import numpy as np
from scipy.cluster.vq import kmeans2

from diat import clusters
from diat.errors import DiatError
from diat.faces import yaw
from diat.pack import Pack, open_pack
from diat.training import save_image

STARTS = 8  # k-means is run from this many starts, and the tightest result kept


def fit(points5: np.ndarray) -> np.ndarray:
    """(N, 5, 2) -> (62, 5, 2), the most turned first."""
    flat = points5.reshape(len(points5), 10).astype(np.float64)
    results = [kmeans2(flat, clusters.COUNT, minit="++", seed=seed, iter=100) for seed in range(STARTS)]
    centres, _ = min(results, key=lambda result: float(((flat - result[0][result[1]]) ** 2).sum()))
    centres = centres.reshape(-1, 5, 2)
    return centres[np.argsort([-yaw(centre) for centre in centres])]


def write_sheets(pack: Pack, folder: Path, tile: int = 96) -> list[str]:
    """One sheet a cluster: the mean face and 31 faces from its centre outwards. Returns a line for each."""
    assigned = clusters.assign(pack.points5, pack.size)
    dropped, lines = clusters.dropped(), []
    centres = (clusters.centroids() + 0.5) * (pack.size / 128) - 0.5
    for number in range(clusters.COUNT):
        rows = np.flatnonzero(assigned == number)
        verdict = f"dropped: {dropped[number]}" if number in dropped else "kept"
        turned = yaw(clusters.centroids()[number])
        lines.append(f"cluster {number:2d}: {len(rows):5d} faces, turned {turned:2.0f} degrees, {verdict}")
        if len(rows):
            distances = np.linalg.norm(pack.points5[rows] - centres[number], axis=2).mean(1)
            rows = rows[np.argsort(distances)]
            shown = rows[np.linspace(0, len(rows) - 1, 31).astype(int)]
            mean = np.mean([pack.crops[row] for row in rows[:500]], axis=0).astype(np.uint8)
            tiles = [cv2.resize(np.asarray(crop), (tile, tile)) for crop in (mean, *(pack.crops[row] for row in shown))]
            sheet = np.concatenate([np.concatenate(tiles[i : i + 8], axis=1) for i in range(0, 32, 8)])
            save_image(folder / f"{number:02d}{'-dropped' if number in dropped else ''}.png", sheet)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="folder for the sheets")
    parser.add_argument("--fit", action="store_true", help="find new centroids instead of showing the shipped ones")
    args = parser.parse_args()
    pack = open_pack(args.pack)
    if args.fit:
        centres = fit((pack.points5[pack.has_face] + 0.5) * (128 / pack.size) - 0.5)
        args.output.mkdir(parents=True, exist_ok=True)
        path = args.output / "clusters.json"
        path.write_text(json.dumps({"centroids": np.round(centres, 3).tolist(), "dropped": {}}))
        print(f"{path}: look at the sheets, name the dropped, and put it in place of {clusters.PATH}")
        clusters.PATH = path
    print("\n".join(write_sheets(pack, args.output)))


if __name__ == "__main__":
    try:
        main()
    except DiatError as error:
        sys.exit(f"cluster: {error}")
