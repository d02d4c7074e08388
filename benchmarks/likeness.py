"""How alike two photographs of one person are, and those of two strangers: the scale of the identity similarity.

    python benchmarks/likeness.py --celeba CELEBA  # a folder in the schema of flwrlabs/celeba

Prints the number of pairs of each kind and percentiles of the similarity; photographs without a face are left out.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from common import option_parser

from diat.detector import InsightFaceDetector
from diat.photo import open_photo

PERCENTILES = (1, 10, 50, 90, 99, 99.9)


def main() -> None:
    parser = option_parser(__doc__)
    parser.add_argument(
        "--celeba", type=Path, required=True, help="folder of CelebA, of which the validation part is read"
    )
    parser.add_argument("--photographs", type=int, default=2000)
    args = parser.parse_args()
    table = pq.read_table(next(args.celeba.glob("valid-*.parquet")), columns=["image", "celeb_id"])
    detector = InsightFaceDetector()
    people, embeddings = [], []
    for row in table.slice(0, args.photographs).to_pylist():
        pixels = open_photo(row["image"]["bytes"]).pixels
        if found := detector.detect(pixels):
            people.append(row["celeb_id"])
            embeddings.append(detector.embed(pixels, found[0].points5))
    similarity = np.stack(embeddings) @ np.stack(embeddings).T
    same = np.equal.outer(people, people)
    once = np.triu(np.ones_like(same), 1)  # each pair once, and no photograph with itself
    for kind, pairs in (("one person", same & once), ("strangers", ~same & once)):
        figures = np.percentile(similarity[pairs], PERCENTILES).round(3)
        shown = dict(zip(map(str, PERCENTILES), figures.tolist(), strict=True))
        print(json.dumps({"kind": kind, "pairs": int(pairs.sum()), **shown}))


if __name__ == "__main__":
    main()
