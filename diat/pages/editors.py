"""The models that the demo's pages share."""

from __future__ import annotations

import threading

from diat.attributes import ATTRIBUTES
from diat.detector import InsightFaceDetector
from diat.editor import FaceEditor
from diat.errors import DiatError
from diat.hub import models_of


class Editors:
    """One editor per attribute, loaded when first asked for; all share one detector.

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
        self._lock = threading.Lock()
        self._loaded: dict[str, FaceEditor] = {}
        self.detector = InsightFaceDetector(face_pack)
        # Live pictures are small and their faces large: a quarter of the work finds them.
        self.live_detector = InsightFaceDetector(face_pack, detection_sizes=(320,))

    @property
    def default(self) -> str:
        """The attribute that is chosen at first."""
        return "mouth_close" if "mouth_close" in self.attributes else self.attributes[0]

    def get(self, attribute: str) -> FaceEditor:
        """The editor of an attribute.

        Raises:
            ModelRejected: its weights cannot be loaded.
            DiatError: there is no such attribute here.
        """
        with self._lock:
            if attribute not in self.attributes:
                raise DiatError(f"There is no attribute {attribute!r} here: use one of {', '.join(self.attributes)}.")
            if attribute not in self._loaded:
                source = self._sources[attribute]
                self._loaded[attribute] = FaceEditor.from_pretrained(
                    source, attribute=attribute, detector=self.detector
                )
            return self._loaded[attribute]
