"""Results as files: their names and formats."""

from __future__ import annotations

from diat.pages.bench import Bench, PhotoShelf
from diat.provenance import KINDS
from diat.results import result_name

AS_IT_CAME = "As the photo"
FORMATS = {AS_IT_CAME: None, "JPEG": ".jpg", "PNG": ".png", "WebP": ".webp"}


def saved_file(shelf: PhotoShelf, bench: Bench, kind: str) -> tuple[bytes, str]:
    """A result as the content of a file, and its name, which both say what changed the photograph.

    Args:
        shelf: makes the changes.
        bench: a photograph with at least one.
        kind: one of `FORMATS`.

    Raises:
        DiatError: they cannot be made.
    """
    photo = str(bench.photo)
    result, made = shelf.result(photo, bench.changes), shelf.made(photo, bench.changes)
    suffix = FORMATS.get(kind) or result.suffix
    return result.to_bytes(KINDS[suffix]), result_name(photo, [change.attribute for change in made], suffix)
