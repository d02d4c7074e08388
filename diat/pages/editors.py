"""The models that the demo's pages share."""

from __future__ import annotations

import threading

from diat.attributes import ATTRIBUTES
from diat.detector import InsightFaceDetector
from diat.editor import FaceEditor
from diat.errors import InvalidArgument
from diat.hub import models_of
from diat.pages.work import by_a_worker

LIVE_DETECTION_SIZE = 320  # pixels; live frames are small and their faces large: a quarter of the work finds them


class EditorPool:
    """One editor per attribute, loaded when first asked for; all share one detector. Threads may share a pool.

    Photographs are edited by the few threads of `diat.pages.work`, whichever thread asks.

    Args:
        organisation: of the Hub, whose models to take; None takes the embedded ones.
        face_pack: see `InsightFaceDetector`.

    Raises:
        ModelRejected: the organisation holds no models.
    """

    def __init__(self, organisation: str | None, face_pack: str) -> None:
        # By attribute, where its model is.
        self._sources = {name: name for name in ATTRIBUTES} if organisation is None else models_of(organisation)
        self.attributes = list(self._sources)
        # One for each: while one model is downloaded the others are served.
        self._locks = {attribute: threading.Lock() for attribute in self.attributes}
        self._loaded: dict[str, FaceEditor] = {}
        self.detector = InsightFaceDetector(face_pack)
        self.detector.detect = by_a_worker(self.detector.detect)  # type: ignore[method-assign]
        self.live_detector = InsightFaceDetector(face_pack, detection_sizes=(LIVE_DETECTION_SIZE,))

    @property
    def default(self) -> str:
        """The attribute that is chosen at first."""
        return "mouth_close" if "mouth_close" in self.attributes else self.attributes[0]

    def is_loaded(self, attribute: str) -> bool:
        """Whether `get` answers at once."""
        return attribute in self._loaded

    def get(self, attribute: str) -> FaceEditor:
        """The editor of an attribute.

        Raises:
            ModelRejected: its weights cannot be loaded.
            InvalidArgument: there is no such attribute here.
        """
        lock = self._locks.get(attribute)
        if lock is None:
            raise InvalidArgument(f"Unknown attribute {attribute!r}: choose one of {', '.join(self.attributes)}.")
        with lock:
            if attribute not in self._loaded:
                source = self._sources[attribute]
                editor = FaceEditor.from_pretrained(source, attribute=attribute, detector=self.detector)
                editor.edit = by_a_worker(editor.edit)  # type: ignore[method-assign, assignment]
                self._loaded[attribute] = editor
            return self._loaded[attribute]
