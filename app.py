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
import threading
from pathlib import Path
from typing import Any

from diat.errors import DiatError, PhotoRejected, explain_import_error

try:
    import cv2
except ImportError as error:
    sys.exit(f"app: {explain_import_error(error)}")
import gradio as gr
import numpy as np
from gradio.processing_utils import save_bytes_to_cache
from starlette.middleware import Middleware

from diat.attributes import ATTRIBUTES
from diat.editor import MAX_STRENGTH, EditResult, FaceEditor, choose_faces
from diat.faces import EMBEDDED_PACK, MAX_FACES, Face, InsightFaceDetector, draw_faces
from diat.hub import attributes_of, repository_of
from diat.photo import MAX_BYTES, open_photo
from diat.provenance import encode
from diat.web import BodyLimit, hand_over_unopened

HERE = Path(__file__).parent
PREVIEW_SIDE = 1600  # pixels; the download has the photograph's own size
KEPT_SECONDS = 600  # uploads and results are deleted after this
# The recogniser's cosine above which two photographs show the same person, at one false accept in a thousand.
SAME_PERSON = 0.35

TITLE = "# DIAT\nChange one thing about a face and keep the person."
CONSENT = "The faces in this photograph are mine, or their owners have agreed to this."
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


Pair = tuple[np.ndarray, np.ndarray]
NOTHING = (None, None, None)


class Editors:
    """One editor per attribute, loaded when first asked for; all share one detector.

    Raises:
        ModelRejected: the organisation holds no models.
    """

    def __init__(self, organisation: str | None, face_pack: str) -> None:
        self._organisation = organisation
        self.attributes = list(ATTRIBUTES) if organisation is None else attributes_of(organisation)
        self._lock = threading.Lock()
        self._loaded: dict[str, FaceEditor] = {}
        self.detector = InsightFaceDetector(face_pack)

    def get(self, attribute: str) -> FaceEditor:
        """The editor of an attribute.

        Raises:
            ModelRejected: its weights cannot be loaded.
        """
        with self._lock:
            if attribute not in self.attributes:
                raise DiatError(f"There is no attribute {attribute!r} here: use one of {', '.join(self.attributes)}.")
            if attribute not in self._loaded:
                name = repository_of(self._organisation, attribute) if self._organisation else attribute
                self._loaded[attribute] = FaceEditor.from_pretrained(name, attribute=attribute, detector=self.detector)
            return self._loaded[attribute]


def build(editors: Editors) -> gr.Blocks:
    """The page and its named endpoints ``/faces`` and ``/edit``."""

    def faces(photo: str | None) -> tuple[Any, Any, str]:
        """Find the faces of a photograph.

        Returns the photograph with numbered faces, the numbers that can be chosen, and a sentence.
        """
        nothing = gr.update(value=None, visible=False), gr.update(choices=[], value=[], visible=False)
        if photo is None:
            return *nothing, ""
        try:
            pixels = open_photo(kept(photo)).pixels
            found = editors.detector.detect(pixels)
            choose_faces(found, "all", notices := [])
        except DiatError as error:
            return *nothing, str(error)
        numbers = [str(index + 1) for index in range(len(found))]
        several = len(found) > 1
        drawn = shrunk(draw_faces(pixels, found)) if several else None
        sentence = f"{len(found)} faces found: choose by number. {' '.join(notices)}" if several else "One face found."
        usable = [number for index, number in enumerate(numbers) if f"Face {index + 1} " not in " ".join(notices)]
        return (
            gr.update(value=drawn, visible=several),
            gr.update(choices=numbers, value=usable[:1], visible=several),
            sentence,
        )

    def edit(
        photo: str | None,
        attribute: str,
        strength: float,
        chosen: list[str],
        consent: bool,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 - how Gradio asks for it
    ) -> tuple[Any, Any, Any, str]:
        """Change one attribute.

        Args:
            photo: JPEG, PNG, WebP or GIF file.
            attribute: name of the attribute.
            strength: 0 to 1.5.
            chosen: numbers of the faces, largest first from "1"; none takes the largest.
            consent: that the faces are yours or that their owners agreed; nothing happens without it.

        Returns the face before and after, the photograph before and after, the result as a PNG file, and a sentence.
        """
        if photo is None:
            return *NOTHING, "Choose a photograph."
        try:
            if not consent:
                open_photo(kept(photo))  # what cannot be used is said first
                return *NOTHING, "Please tick the box under the photograph first."
            progress(0.1, "Loading the network")
            editor = editors.get(attribute)
            progress(0.3, "Changing the face")
            indices = [int(number) - 1 for number in chosen] or "largest"
            result = editor.edit(kept(photo), indices, strength)
            progress(0.8, "Writing the result")
            data = encode(result.photo, f"{attribute} strength={strength:g}")
            # In Gradio's own folder, which it empties; a file elsewhere would be copied there, and stay.
            path = save_bytes_to_cache(data, "diat.png", download.GRADIO_CACHE)
            return *pictures(result), path, report(result)
        except DiatError as error:
            return *NOTHING, str(error)

    theme_free = {"analytics_enabled": False, "title": "DIAT", "delete_cache": (60, KEPT_SECONDS)}
    with gr.Blocks(**theme_free) as demo:
        gr.Markdown(TITLE)
        with gr.Row():
            with gr.Column(min_width=300):
                photo = gr.Image(
                    type="filepath",
                    sources=["upload", "webcam", "clipboard"],
                    label="Photograph",
                    height=360,
                    elem_id="photo",
                    webcam_options=gr.WebcamOptions(mirror=False),
                )
                hand_over_unopened(photo, {row[0] for row in EXAMPLES})
                consent = gr.Checkbox(label=CONSENT, elem_id="consent")
                numbered = gr.Image(
                    visible=False, label="Faces found", interactive=False, elem_id="faces", format="jpeg", buttons=[]
                )
                chosen = gr.CheckboxGroup(
                    [str(number + 1) for number in range(MAX_FACES)],
                    label="Faces to change (none: the largest)",
                    visible=False,
                    elem_id="chosen",
                )
            with gr.Column(min_width=300):
                attribute = gr.Radio(
                    [(ATTRIBUTES[name].title, name) for name in editors.attributes],
                    value="mouth_close" if "mouth_close" in editors.attributes else editors.attributes[0],
                    label="Attribute",
                    elem_id="attribute",
                )
                strength = gr.Slider(0, MAX_STRENGTH, 1.0, step=0.05, label="Strength", elem_id="strength")
                run = gr.Button("Change", variant="primary", elem_id="run")
                message = gr.Markdown(elem_id="message")
                with gr.Tab("Face"):
                    close_up = gr.ImageSlider(label="Before and after", max_height=520, elem_id="close-up", buttons=[])
                with gr.Tab("Whole photograph"):
                    whole = gr.ImageSlider(
                        label="Before and after", max_height=520, elem_id="whole", buttons=["fullscreen"]
                    )
                download = gr.File(label="Download the result (PNG, full size)", elem_id="download", interactive=False)
        with gr.Column(elem_id="examples"):  # last, so that on a phone the result is near the photograph
            gr.Examples(
                [row for row in EXAMPLES if row[1] in editors.attributes] or [[row[0], None, True] for row in EXAMPLES],
                [photo, attribute, consent],
                label="Or try Eileen Collins (NASA) and Grace Hopper (US Navy), public domain",
                cache_examples=False,
                visible_columns=[0, 1],
            )
        gr.Markdown(TERMS)

        inputs, outputs = [photo, attribute, strength, chosen, consent], [close_up, whole, download, message]
        # First, so that the public name is its own: Gradio numbers a name that is taken.
        run.click(edit, inputs, outputs, api_name="edit")
        changed = photo.change(faces, photo, [numbered, chosen, message], api_name="faces", show_progress="hidden")
        changed.success(edit, inputs, outputs, api_visibility="private")
        gr.on(
            [attribute.input, strength.release, chosen.input, consent.input],
            edit,
            inputs,
            outputs,
            api_visibility="private",
            trigger_mode="always_last",
        )
    return demo.queue(max_size=20, default_concurrency_limit=2)


def kept(photo: str) -> str:
    """The path, unless the file has been deleted meanwhile."""
    if not Path(photo).is_file():
        raise PhotoRejected("The photograph is no longer kept here: choose it again.")
    return photo


def pictures(result: EditResult) -> tuple[Pair, Pair]:
    """Before and after of the first face's surroundings and of the photograph."""
    left, top, right, bottom = surroundings(result.faces[result.edited[0].index], result.photo.shape)
    near = tuple(enlarged(photo[top:bottom, left:right]) for photo in (result.original, result.photo))
    return (near[0], near[1]), (shrunk(result.original), shrunk(result.photo))


def surroundings(face: Face, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """A square of twice the face's height around it, cut to the photograph."""
    left, top, right, bottom = (float(value) for value in face.box)
    x, y, half = (left + right) / 2, (top + bottom) / 2, bottom - top
    return max(0, int(x - half)), max(0, int(y - half)), min(shape[1], int(x + half)), min(shape[0], int(y + half))


def enlarged(pixels: np.ndarray) -> np.ndarray:
    """A small face is shown large: the longer side at least 520 pixels, at most `PREVIEW_SIDE`."""
    scale = 520 / max(pixels.shape[:2])
    return shrunk(pixels) if scale <= 1 else cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def shrunk(pixels: np.ndarray) -> np.ndarray:
    """A preview: the longer side at most `PREVIEW_SIDE`."""
    scale = PREVIEW_SIDE / max(pixels.shape[:2])
    return pixels if scale >= 1 else cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def report(result: EditResult) -> str:
    """What the user reads under the picture."""
    several = f"{len(result.faces)} faces found: choose them by number."
    lines = [several] if len(result.faces) > 1 else []
    for face in result.edited:
        verdict = "still the same person" if face.likeness >= SAME_PERSON else "no longer the same person"
        lines.append(f"Face {face.index + 1}: likeness {face.likeness:.2f} of 1, to a recogniser **{verdict}**.")
    times = ", ".join(f"{stage} {value:.0f}" for stage, value in result.milliseconds.items())
    return "  \n".join([*lines, *result.notices, f"{sum(result.milliseconds.values()):.0f} ms ({times})"])


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
        demo = build(Editors(args.models, args.face_pack))
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
        app_kwargs={"middleware": [Middleware(BodyLimit, limit=MAX_BYTES + 2**20)]},
    )


if __name__ == "__main__":
    main()
