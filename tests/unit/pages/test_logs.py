import logging

import pytest

from diat.errors import PhotoRejected
from diat.pages.logs import FORMAT, NamesOut


def test_an_edit_is_a_line_and_a_refusal_is_one_without_names(editors, hopper, tmp_path, caplog):
    caplog.set_level("INFO", "diat")
    editors("mouth_open").edit(hopper)
    with pytest.raises(PhotoRejected):
        editors("mouth_open").edit(tmp_path / "Ada Lovelace.jpg")
    edited, refused = [record for record in caplog.records if record.name == "diat.batch"]
    lines = [NamesOut(FORMAT).format(record) for record in (edited, refused)]
    assert "INFO edited attribute=mouth_open strength=1 size=512x600 faces=1/1 milliseconds=" in lines[0]
    assert "refused attribute=mouth_open reason=The file '...' cannot be read" in lines[1]
    assert "Ada" in refused.getMessage() and "Ada" not in lines[1]


def test_a_line_that_quotes_twice_loses_both():
    record = logging.LogRecord("diat", logging.INFO, "", 0, "the file 'a.jpg' is no \"b\"", (), None)
    assert NamesOut("%(message)s").format(record) == "the file '...' is no '...'"
