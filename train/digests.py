"""Write the digests of the models in diat/weights into diat/released.py; run it whenever one is released anew.

python train/digests.py
"""

from __future__ import annotations

import hashlib
import re

from diat.attributes import ATTRIBUTES
from diat.files import write_file
from diat.hub import EMBEDDED
from diat.models import MANIFEST, load_folder

TABLE = EMBEDDED.parent / "released.py"


def digests() -> dict[str, str]:
    """Of each released model, which must load."""
    found = {}
    for attribute in ATTRIBUTES:
        load_folder(EMBEDDED / attribute, attribute, attribute)
        found[attribute] = hashlib.sha256((EMBEDDED / attribute / MANIFEST).read_bytes()).hexdigest()
    return found


def main() -> None:
    lines = "".join(f'    "{attribute}": "{digest}",\n' for attribute, digest in digests().items())
    table = f"MANIFEST_SHA256: dict[str, str] = {{\n{lines}}}\n"
    text = re.sub(r"MANIFEST_SHA256: .*", lambda _: table, TABLE.read_text(), flags=re.DOTALL)
    write_file(TABLE, text.encode())
    print(f"{TABLE}: {len(ATTRIBUTES)} models.")


if __name__ == "__main__":
    main()
