"""In words, how the settings of two runs differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONGEST = 24  # characters of a value; a digest is cut


def differences(before: Mapping[str, Any], now: Mapping[str, Any], above: str = "") -> list[str]:
    """The settings that differ, each with both its values; ``above`` is the name of what they are settings of."""
    found = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        if isinstance(old, dict) and isinstance(new, dict):
            found += differences(old, new, f"{above}{name}.")
        elif old != new:
            found.append(f"{above}{name} ({_short(old)}, now {_short(new)})")
    return found


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else text[: LONGEST // 2] + "..."
