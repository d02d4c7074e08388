"""The browser demo: a photograph in, the same photograph with one facial attribute changed out.

python app.py                       # the embedded weights, on http://127.0.0.1:7860
python app.py --models some-org     # some-org/diat-mouth-close, ... from the Hugging Face Hub
"""

from __future__ import annotations

import os

# Before Gradio is imported: it reads these once. Nothing leaves this server.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
PORT = os.environ.pop("GRADIO_SERVER_PORT", "7860")  # Gradio's import fails on one that is no number

import argparse
import socket
import sys
from pathlib import Path

from diat.errors import DiatError, explain_import_error

try:
    import cv2  # noqa: F401 - the library that lacks something most often
except ImportError as error:
    sys.exit(f"app: {explain_import_error(error)}")
import gradio as gr
from starlette.middleware import Middleware

from diat.detector import EMBEDDED_PACK
from diat.pages.editors import Editors
from diat.pages.guards import BodyLimit
from diat.pages.live import LiveRoutes, live_tab
from diat.pages.photo import photo_tab
from diat.pages.several import attribute_lister, every_tab, many_tab
from diat.pages.video import video_tab
from diat.photo import MAX_BYTES

HERE = Path(__file__).parent
KEPT_SECONDS = 600  # uploads and results are deleted after this

TITLE = "# DIAT\nChange one thing about a face and keep the person."
TERMS = (
    "The picture is worked on by this server alone and deleted after ten minutes. The result is an edited picture: "
    "say so when you show it, and do not use it to deceive or to hurt anyone. The code is open (Apache-2.0); the "
    "weights were trained on CelebA and the face models are InsightFace's, both for **non-commercial research only**."
)
EXAMPLES = [
    [str(HERE / "examples" / "eileen_collins.jpg"), "mouth_close", True],
    [str(HERE / "examples" / "grace_hopper.jpg"), "eyeglasses_remove", True],
]
CSS = """
.gradio-container { max-width: 1100px !important; margin: auto; }
#message { min-height: 1.5em; }
"""


def build(editors: Editors) -> gr.Blocks:
    """The pages."""
    with gr.Blocks(analytics_enabled=False, title="DIAT", delete_cache=(60, KEPT_SECONDS)) as demo:
        gr.Markdown(TITLE)
        with gr.Tab("Photograph"):
            photo_tab(editors, EXAMPLES)
        with gr.Tab("Live"):
            live_tab(editors)
        with gr.Tab("Video"):
            demo.unload(video_tab(editors))
        with gr.Tab("Many"):
            many_tab(editors)
        with gr.Tab("Every change"):
            every_tab(editors)
        gr.api(attribute_lister(editors), api_name="attributes")
        gr.Markdown(TERMS)
    return demo.queue(max_size=20, default_concurrency_limit=2)


def check_port(host: str, port: int) -> None:
    """End with a sentence if the address cannot be had; Gradio's own answer is a traceback."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except (OSError, OverflowError) as error:
            sys.exit(f"app: {host}:{port} cannot be used ({error}): give another with --port, such as --port 7861.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--models", metavar="ORG", help="take the weights from this Hub organisation, not the embedded ones"
    )
    parser.add_argument("--face-pack", default=EMBEDDED_PACK, help="InsightFace pack that finds the faces")
    parser.add_argument("--host", default=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=PORT)
    args = parser.parse_args()
    check_port(args.host, args.port)
    try:
        editors = Editors(args.models, args.face_pack)
        demo = build(editors)
    except DiatError as error:
        sys.exit(f"app: {error}")
    fonts = ["ui-sans-serif", "system-ui", "sans-serif"]
    demo.launch(
        server_name=args.host,
        server_port=args.port,
        theme=gr.themes.Default(font=fonts, font_mono=["ui-monospace", "monospace"]),
        css=CSS,
        share=False,
        enable_monitoring=False,
        max_file_size=MAX_BYTES,
        ssr_mode=False,
        run_history=False,
        footer_links=["api"],
        app_kwargs={
            "middleware": [Middleware(BodyLimit, limit=MAX_BYTES + 2**20)],
            "routes": LiveRoutes(editors).routes(),
        },
    )


if __name__ == "__main__":
    main()
