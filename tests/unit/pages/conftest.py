"""The models for pages without a server, and their folder of uploads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from diat.attributes import ATTRIBUTES

NOTICE = "The Hub could not be reached: the cached copy is used."


@pytest.fixture
def pool(editors, detector, uploads):
    """The embedded models, as if they had come out of the Hub's cache."""

    def get(attribute: str):
        editor = editors(attribute)
        return SimpleNamespace(
            edit=editor.edit, edit_frame=editor.edit_frame, model=replace(editor.model, notices=(NOTICE,))
        )

    return SimpleNamespace(get=get, detector=detector, attributes=["mouth_open", "mouth_close"], default="mouth_close")


@pytest.fixture
def all_pool(editors, detector, uploads):
    """The embedded models, all of them."""
    return SimpleNamespace(get=editors, detector=detector, attributes=list(ATTRIBUTES), default="mouth_close")


@pytest.fixture
def uploads(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    return tmp_path / "uploads"
