"""The demo as a server: its pages, its options, and who may ask it."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from diat.errors import DiatError, explain_import_error
from diat.pages.logs import log_to_stderr
from diat.pages.options import parse
from diat.pages.uploads import upload_folder

EVERYWHERE = ("0.0.0.0", "::")  # every address of the machine


def main(arguments: list[str] | None = None) -> None:
    """Serve the pages until the server is stopped."""
    # Gradio reads these once, when it is imported. Nothing leaves this server.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    args = parse(arguments)
    log_to_stderr(args.log_level)
    _check_port(args.host, args.port)
    os.umask(0o077)  # what is uploaded here is nobody else's
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a stopped container cleans up as Ctrl-C does
    sys.stderr.write("Starting, which takes a few seconds ...\n")
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
    from diat.detector import EMBEDDED_PACK
    from diat.pages.access import site_hosts
    from diat.pages.editors import EditorPool
    from diat.pages.health import health_route
    from diat.pages.link_preview import link_preview_route
    from diat.pages.live import LiveRoutes
    from diat.pages.page import build
    from diat.pages.uploads import Sweeper, files_in_work

    if args.mcp:
        import mcp  # noqa: F401 - Gradio would go on without it

    editors = EditorPool(args.models, args.face_pack or EMBEDDED_PACK)
    # A public address has a name that the relay chooses.
    hosts = () if args.share else site_hosts(args.host, args.allowed_host)
    demo = build(editors, f"http://127.0.0.1:{args.port}")
    Sweeper(folder, lambda: files_in_work(demo)).start()
    demo.queue(max_size=args.queue, default_concurrency_limit=args.concurrency)
    # What Gradio says of a public address is for people who write programs, and goes unsaid.
    with contextlib.redirect_stdout(io.StringIO()) if args.share else contextlib.nullcontext():
        _launch(args, demo, hosts, folder, [health_route(editors), link_preview_route(), *LiveRoutes(editors).routes()])
    address = f"http://{'127.0.0.1' if args.host in EVERYWHERE else args.host}:{args.port}"
    sys.stdout.write(f"DIAT is on {address} (Ctrl-C stops it).\n")
    if args.share and demo.share_url:
        sys.stdout.write(f"For a week it is on {demo.share_url} too, for anybody who knows that address.\n")
    elif args.share:
        sys.stderr.write("No public address could be opened: check the network. This machine alone shows the demo.\n")
    sys.stdout.flush()
    demo.block_thread()


def _launch(args: argparse.Namespace, demo: Any, hosts: Any, folder: Path, routes: list[Any]) -> None:
    import gradio as gr
    from starlette.middleware import Middleware

    from diat.pages.access import LoginGuard, SiteGuard
    from diat.pages.guards import BodyLimit, BusyAnswer, DiskQuota
    from diat.pages.link_preview import LinkPreview
    from diat.pages.page import CSS, HEAD
    from diat.pages.sessions import MAX_SESSIONS, SessionKeeper
    from diat.pages.uploads import Renewal
    from diat.photo import MAX_BYTES

    fonts = ["ui-sans-serif", "system-ui", "sans-serif"]
    demo.launch(
        server_name=args.host,
        server_port=args.port,
        theme=gr.themes.Default(font=fonts, font_mono=["ui-monospace", "monospace"]),
        css=CSS,
        head=HEAD,
        share=args.share,
        mcp_server=args.mcp,
        auth=args.auth or None,
        root_path=args.root_path,
        enable_monitoring=False,
        max_file_size=MAX_BYTES,
        state_session_capacity=MAX_SESSIONS,
        ssr_mode=False,
        quiet=True,
        prevent_thread_lock=True,
        run_history=False,
        footer_links=["api"],
        i18n=gr.I18n(en={"common.complete": "Done"}),  # which Gradio says to screen readers and has no words for
        app_kwargs={
            "middleware": [
                Middleware(SiteGuard, hosts=hosts),
                Middleware(LoginGuard),
                Middleware(LinkPreview, root_path=args.root_path or ""),
                Middleware(BusyAnswer),
                Middleware(DiskQuota, folder=folder),
                Middleware(BodyLimit, limit=MAX_BYTES + 2**20),
                Middleware(Renewal, folder=folder),
                Middleware(SessionKeeper, demo=demo),
            ],
            "routes": routes,
            # Gradio asks for no login there.
            **({"openapi_url": None} if args.auth else {}),
        },
    )


def _check_port(host: str, port: int) -> None:
    """End with a sentence if the address cannot be had; Gradio's own answer is a traceback."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            sys.exit(f"app: {host}:{port} cannot be used ({error}). Choose another port, such as --port 7861.")
