"""The options of the demo's command line."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass

PORT = 7860
MAX_QUEUE = 20  # visitors who wait; more are told that the server is busy
MAX_AT_ONCE = 2  # edits; each uses all cores
LEVELS = ("debug", "info", "warning", "error")
EPILOG = """\
examples:
  diat demo --port 8080
  diat demo --host 0.0.0.0 --auth alice:secret --allowed-host faces.example.org
  diat demo --root-path /faces --queue 50 --concurrency 4
docs/hosting.md says how to run it behind a proxy, in Docker and on a Hugging Face Space.
"""


@dataclass(frozen=True)
class Environment:
    """Gradio's own variables, which the options go before."""

    host: str
    port: str  # as it was given: whether it is a number is said with the option's error
    root_path: str | None

    @classmethod
    def taken(cls) -> Environment:
        """What is set; the port is taken out, since Gradio's import fails on one that is no number."""
        port = os.environ.pop("GRADIO_SERVER_PORT", str(PORT))
        return cls(os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), port, os.environ.get("GRADIO_ROOT_PATH"))


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The options; ends the process with a sentence where one cannot be."""
    parser = _parser(Environment.taken())
    args = parser.parse_args(arguments)
    if args.mcp and args.auth:
        parser.error("--mcp and --auth do not go together: assistants cannot log in. Put a login before the server.")
    return args


def _parser(environment: Environment) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="diat demo", description="Serve the demo's pages and its API.", epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    where = parser.add_argument_group("where")
    where.add_argument("--host", default=environment.host, help="address to serve on (default %(default)s)")
    where.add_argument("--port", type=int, default=environment.port, help=f"(default {PORT})")
    where.add_argument(
        "--root-path", metavar="PATH", default=environment.root_path,
        help="path under which a proxy shows the server, such as /faces",
    )  # fmt: skip
    where.add_argument(
        "--allowed-host", metavar="NAME", action="append", default=[],
        help="name under which visitors reach the server, such as faces.example.org; repeatable",
    )  # fmt: skip
    where.add_argument(
        "--share",
        action="store_true",
        help="also open a public address at gradio.live for a week, through Gradio's relay",
    )
    who = parser.add_argument_group("for whom")
    who.add_argument(
        "--auth", metavar="USER:PASSWORD", type=_credentials, action="append", help="ask for this login; repeatable"
    )
    who.add_argument(
        "--queue", metavar="N", type=_at_least_one, default=MAX_QUEUE,
        help="visitors who may wait; more are told that the server is busy (default %(default)s)",
    )  # fmt: skip
    who.add_argument(
        "--concurrency", metavar="N", type=_at_least_one, default=MAX_AT_ONCE,
        help="edits at once; each uses all cores (default %(default)s)",
    )  # fmt: skip
    who.add_argument("--mcp", action="store_true", help="offer the API to assistants, at /gradio_api/mcp")
    what = parser.add_argument_group("what")
    what.add_argument(
        "--models", metavar="ORG", help="take the weights from this Hub organisation, not the embedded ones"
    )
    what.add_argument("--face-pack", metavar="NAME", help="InsightFace pack that finds the faces")
    what.add_argument(
        "--log-level",
        choices=LEVELS,
        default="info",
        help="what stderr is told; info: a line for each edit (default info)",
    )
    return parser


def _credentials(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise argparse.ArgumentTypeError("give USER:PASSWORD, such as alice:secret")
    return user, password


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"give a whole number from 1, not {text!r}")
    return int(text)
