"""Runs the command line: ``python -m diat``."""

import sys

from diat.cli.commands import main

sys.exit(main())
