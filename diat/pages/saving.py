"""Results as files: their names and formats."""

from __future__ import annotations

from dataclasses import replace

from diat.pages.bench import Bench, Opened
from diat.provenance import KINDS, edited_by
from diat.results import EditResult, result_name

AS_IT_CAME = "As the photo"
FORMATS = {AS_IT_CAME: None, "JPEG": ".jpg", "PNG": ".png", "WebP": ".webp"}


def saved_file(result: EditResult, opened: Opened, bench: Bench, kind: str) -> tuple[bytes, str]:
    """A result as the content of a file, and its name.

    Args:
        result: of the last change.
        opened: the photograph as it came, whose transparency and colours the file keeps.
        bench: with all changes, which the file names.
        kind: one of `FORMATS`.
    """
    suffix = FORMATS.get(kind) or result.suffix
    earlier = [edited_by(change.attribute, change.strength).split(" ", 1)[1] for change in bench.changes[:-1]]
    whole = replace(result, original=opened.photo.pixels, attribute=", ".join([*earlier, result.attribute]))
    attributes = [change.attribute for change in bench.changes]
    return whole.to_bytes(KINDS[suffix]), result_name(str(bench.photo), attributes, suffix)
