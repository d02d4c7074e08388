"""The command line, see `diat --help`."""

from diat.cli.commands import main

__all__ = ["main"]
