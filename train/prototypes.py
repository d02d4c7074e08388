r"""Give a model of a whole face's attribute its prototypes: what those with the attribute differ by from those without.

See diat/native/prototypes.py. No training is needed: it takes seconds. The pack is of faces with detail, as
`train/prepare.py --size 256` makes it of CelebA-HQ.

    python train/prototypes.py --model runs/older_to_younger/model --pack data/hq256.pack
"""

from __future__ import annotations

import argparse
from pathlib import Path

from commandline import OptionsHelp, run_command

from diat.attributes import attribute_spec
from diat.data.pack import open_pack
from diat.data.prototype_difference import prototype_difference
from diat.errors import TrainingStopped
from diat.heads import HEADS, RGB
from diat.hub import load_model
from diat.models import write_model
from diat.native.prototypes import DIFFERENCE, POINTS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=OptionsHelp)
    parser.add_argument("--model", type=Path, required=True, help="folder of the model, which is written anew")
    parser.add_argument("--pack", type=Path, default=Path("data/celeba256.pack"), help="the data, from prepare.py")
    args = parser.parse_args()
    model = load_model(args.model)
    if model.config.heads == RGB or not HEADS[model.config.heads].prototypes:
        raise TrainingStopped(f"{args.model} has no room for prototypes: only models of whole faces have.")
    made = prototype_difference(open_pack(args.pack), attribute_spec(model.config.attribute))
    weights = {**model.weights, DIFFERENCE: made.difference, POINTS: made.points}
    write_model(args.model, model.config, weights, model.training)
    print(f"{args.model} has prototypes now.")


if __name__ == "__main__":
    run_command(main)
