"""The page: its tabs, its words, and the photographs that it shows before anybody brings one."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from diat.pages.api import photo_api
from diat.pages.batch import batch_tab
from diat.pages.editors import EditorPool
from diat.pages.first_sight import FOLDER, PORTRAITS, examples, sight
from diat.pages.live import live_tab
from diat.pages.parts import close_notes, consent_box
from diat.pages.photo import photo_tab
from diat.pages.uploads import KEPT_SECONDS
from diat.pages.verify import verify_tab
from diat.pages.video import video_tab
from diat.pages.widgets import CSS as WIDGETS_CSS

CSS = (Path(__file__).parent / "page.css").read_text() + WIDGETS_CSS
SAMPLE = "grace_hopper.jpg"  # of the calls that the page shows to programs
TITLE = (Path(__file__).parent / "title.html").read_text()
TERMS = (
    "Pictures are processed only on this server. They are deleted two minutes after you leave, and at the latest after "
    "an hour. Label results as edited, and do not use them to deceive or harm anyone. The code "
    "is open source (Apache-2.0); the weights were trained on CelebA and the face models are InsightFace's, both for "
    "**non-commercial research only**."
)
SCRIPTS = "keep.js", "leaving.js", "sources.js", "whose.js"
HEAD = "".join(f"<script>{(Path(__file__).parent / name).read_text()}</script>" for name in SCRIPTS)


def build(editors: EditorPool, address: str) -> gr.Blocks:
    """The pages, and the endpoints for programs.

    Args:
        editors: the models.
        address: of the server, for the calls that it shows to programs.
    """
    # Served as they lie: a copy in the folder of uploads would be deleted with those.
    gr.set_static_paths([FOLDER, PORTRAITS])
    with gr.Blocks(analytics_enabled=False, title="DIAT", delete_cache=(60, KEPT_SECONDS)) as demo:
        with gr.Row(elem_id="top"):
            gr.HTML(sight(), html_template=TITLE, js_on_load=None, elem_id="title")
            consent = consent_box("consent")
        close_notes(consent.input)  # that asked for it
        with gr.Tab("Photo", elem_id="photo-tab"):
            photo_tab(editors, consent, examples())
        with gr.Tab("Webcam"):
            live_tab(editors)
        with gr.Tab("Video"):
            demo.unload(video_tab(editors, consent))
        with gr.Tab("Batch"):
            batch_tab(editors, consent)
        with gr.Tab("Edited?"):
            verify_tab()
        gr.Markdown(TERMS, elem_id="terms")
        photo_api(editors, PORTRAITS / SAMPLE, address)
    pages: gr.Blocks = demo
    return pages
