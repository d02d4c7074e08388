"""The page: its tabs, its words, and the photographs that it shows before anybody brings one."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from diat.pages.batch import batch_tab
from diat.pages.editors import EditorPool
from diat.pages.every import attribute_lister, every_tab
from diat.pages.live import live_tab
from diat.pages.photo import photo_tab
from diat.pages.uploads import KEPT_SECONDS
from diat.pages.verify import verify_tab
from diat.pages.video import video_tab

EXAMPLES_FOLDER = Path(__file__).parents[2] / "examples"  # beside the package, where it was not installed by a wheel
CSS = (Path(__file__).parent / "page.css").read_text()
TITLE = (
    "# DIAT: change one thing about a face\n"
    "Close a mouth, take off glasses, look younger: the person stays recognisable."
)
TERMS = (
    "Pictures are processed only on this server. They are deleted a minute after you leave, and at the latest after "
    f"{KEPT_SECONDS // 60} minutes. Label results as edited, and do not use them to deceive or harm anyone. The code "
    "is open source (Apache-2.0); the weights were trained on CelebA and the face models are InsightFace's, both for "
    "**non-commercial research only**."
)
HEAD = (
    '<meta name="description" content="Change one thing about a face and keep the person recognisable.">'
    '<meta property="og:title" content="DIAT: change one thing about a face">'
    '<meta property="og:description" content="Close a mouth, take off glasses, look younger: the person stays '
    'recognisable.">'
    f"<script>{(Path(__file__).parent / 'keep.js').read_text()}</script>"
)


def examples() -> list[list[object]]:
    """Photographs in the public domain with an attribute that suits them, and the consent."""
    chosen = {"eileen_collins.jpg": "mouth_close", "grace_hopper.jpg": "eyeglasses_remove"}
    paths = {EXAMPLES_FOLDER / name: attribute for name, attribute in chosen.items()}
    return [[str(path), attribute, True] for path, attribute in paths.items() if path.is_file()]


def build(editors: EditorPool) -> gr.Blocks:
    """The pages."""
    # Served as they lie: a copy in the folder of uploads would be deleted with those.
    gr.set_static_paths([EXAMPLES_FOLDER])
    with gr.Blocks(analytics_enabled=False, title="DIAT", delete_cache=(60, KEPT_SECONDS)) as demo:
        gr.Markdown(TITLE)
        with gr.Tab("Photo"):
            photo_tab(editors, examples())
        with gr.Tab("Webcam"):
            live_tab(editors)
        with gr.Tab("Video"):
            demo.unload(video_tab(editors))
        with gr.Tab("Batch"):
            batch_tab(editors)
        with gr.Tab("All effects"):
            every_tab(editors)
        with gr.Tab("Check a picture"):
            verify_tab()
        gr.api(attribute_lister(editors), api_name="attributes")  # type: ignore[attr-defined]
        gr.Markdown(TERMS)
    pages: gr.Blocks = demo
    return pages
