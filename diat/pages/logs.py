"""What the server writes on stderr: a line for each edit, without pictures, names of files or addresses."""

from __future__ import annotations

import logging
import re

FORMAT = "%(asctime)s %(levelname)s %(message)s"
# File names, which sentences quote. An attribute's own quotes go too: it stands in the line already.
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")


class NamesOut(logging.Formatter):
    """Writes lines without the names that they quote."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        return _QUOTED.sub("'...'", super().format(record))


def log_to_stderr(level: str) -> None:
    """Send what the package logs from a level on to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(NamesOut(FORMAT))
    logger = logging.getLogger("diat")
    logger.addHandler(handler)
    logger.setLevel(level.upper())
    logger.propagate = False
