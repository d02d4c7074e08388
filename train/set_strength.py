"""Make a model's change at strength 1 stronger or weaker, as the curve of evaluate.py suggests.

    python train/set_strength.py runs/mouth_open/model 2.0

The factor is of T's own change; it goes into config.json and the manifest, and the weights stay as they are.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from diat.errors import DiatError
from diat.hub import load_model
from diat.models import write_model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, help="a model's folder")
    parser.add_argument("strength", type=float)
    args = parser.parse_args()
    if not 0 < args.strength <= 4:
        raise DiatError(f"The strength must be above 0 and at most 4, not {args.strength:g}.")
    model = load_model(args.model)  # a damaged model must not get a manifest that says it is whole
    write_model(args.model, replace(model.config, strength=args.strength), model.weights, model.training)
    print(f"{load_model(args.model).config.attribute} at strength 1 is now {args.strength:g} times T's change.")


if __name__ == "__main__":
    try:
        main()
    except DiatError as error:
        sys.exit(f"set_strength: {error}")
