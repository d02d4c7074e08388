"""The demo as a server: its pages, its options, and who may ask it."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from pathlib import Path

from diat.errors import DiatError, explain_import_error
from diat.pages.uploads import upload_folder

MAX_QUEUE = 20  # visitors who wait; more are told that the server is busy
MAX_AT_ONCE = 2  # edits; each uses all cores


def main(arguments: list[str] | None = None) -> None:
    """Serve the pages until the server is stopped."""
    # Gradio reads these once, when it is imported. Nothing leaves this server.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    port = os.environ.pop("GRADIO_SERVER_PORT", "7860")  # Gradio's import fails on one that is no number
    args = _parser(port).parse_args(arguments)
    _check_port(args.host, args.port)
    os.umask(0o077)  # what is uploaded here is nobody else's
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped container cleans up as Ctrl-C does
    with upload_folder() as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(folder)
        try:
            _serve(args, folder)
        except ImportError as error:
            sys.exit(f"app: {explain_import_error(error)}")
        except DiatError as error:
            sys.exit(f"app: {error}")
        except KeyboardInterrupt:
            pass


def _serve(args: argparse.Namespace, folder: Path) -> None:
    import gradio as gr
    from starlette.middleware import Middleware

    from diat.detector import EMBEDDED_PACK
    from diat.pages.access import SiteGuard, site_hosts
    from diat.pages.editors import EditorPool
    from diat.pages.guards import BodyLimit, BusyAnswer, DiskQuota
    from diat.pages.live import LiveRoutes
    from diat.pages.page import CSS, HEAD, build
    from diat.pages.uploads import Renewal, Sweeper, files_in_work
    from diat.photo import MAX_BYTES

    editors = EditorPool(args.models, args.face_pack or EMBEDDED_PACK)
    demo = build(editors)
    Sweeper(folder, lambda: files_in_work(demo)).start()
    fonts = ["ui-sans-serif", "system-ui", "sans-serif"]
    demo.queue(max_size=MAX_QUEUE, default_concurrency_limit=MAX_AT_ONCE)
    demo.launch(
        server_name=args.host,
        server_port=args.port,
        theme=gr.themes.Default(font=fonts, font_mono=["ui-monospace", "monospace"]),
        css=CSS,
        head=HEAD,
        share=False,
        auth=args.auth or None,
        root_path=args.root_path,
        enable_monitoring=False,
        max_file_size=MAX_BYTES,
        ssr_mode=False,
        run_history=False,
        footer_links=["api"],
        app_kwargs={
            "middleware": [
                Middleware(SiteGuard, hosts=site_hosts(args.host, args.allowed_host)),
                Middleware(BusyAnswer),
                Middleware(DiskQuota, folder=folder),
                Middleware(BodyLimit, limit=MAX_BYTES + 2**20),
                Middleware(Renewal, folder=folder),
            ],
            "routes": LiveRoutes(editors).routes(),
        },
    )


def _parser(port: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="diat demo", description="Serve the demo's pages.")
    parser.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"), help="address to serve on")
    parser.add_argument("--port", type=int, default=port, help="(default 7860)")
    parser.add_argument(
        "--models", metavar="ORG", help="take the weights from this Hub organisation, not the embedded ones"
    )
    parser.add_argument("--face-pack", help="InsightFace pack that finds the faces")
    parser.add_argument(
        "--auth", metavar="USER:PASSWORD", type=_credentials, action="append", help="ask for this login; repeatable"
    )
    parser.add_argument(
        "--root-path", metavar="PATH", default=os.environ.get("GRADIO_ROOT_PATH"),
        help="path under which a proxy shows the server, such as /faces",
    )  # fmt: skip
    parser.add_argument(
        "--allowed-host", metavar="NAME", action="append", default=[],
        help="name under which visitors reach the server, such as faces.example.org; repeatable",
    )  # fmt: skip
    return parser


def _credentials(text: str) -> tuple[str, str]:
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise argparse.ArgumentTypeError("give USER:PASSWORD, such as alice:secret")
    return user, password


def _check_port(host: str, port: int) -> None:
    """End with a sentence if the address cannot be had; Gradio's own answer is a traceback."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            sys.exit(f"app: {host}:{port} cannot be used ({error}). Choose another port, such as --port 7861.")
