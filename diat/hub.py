"""Where models come from: the package, a folder, or the Hugging Face Hub with a deadline and the cache behind it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from diat.attributes import ATTRIBUTES
from diat.errors import ModelRejected
from diat.models import CONFIG, MANIFEST, WEIGHTS, Model, load_folder

logger = logging.getLogger(__name__)

EMBEDDED = Path(__file__).parent / "weights"
FILES = (WEIGHTS, CONFIG, MANIFEST)
# Without a byte for this long the Hub counts as down. Its client alone would try for a minute and a half.
PATIENCE = 9.0  # seconds
REPOSITORY = "diat-{}"  # what `train/push.py` calls the repository of an attribute

T = TypeVar("T")


def load_model(name: str | Path, *, attribute: str | None = None, revision: str | None = None) -> Model:
    """Load a model strictly: the manifest's digests, exact names and shapes, finite values, the right attribute.

    Args:
        name: an attribute (its embedded weights), a folder, or a Hub repository ``"org/diat-mouth-close"``.
        attribute: what the caller wants; a model of another attribute is refused.
        revision: branch, tag or commit of a Hub repository.

    Raises:
        ModelRejected: anything about the files is not as it should be, or the Hub gave nothing within ten seconds and
            the cache has no copy. Only safetensors are ever opened.
    """
    text = str(name)
    if text in ATTRIBUTES:
        return load_folder(EMBEDDED / text, "embedded", attribute or text)
    if Path(name).is_dir():
        return load_folder(Path(name), text, attribute)
    if text.count("/") == 1 and not text.startswith((".", "/", "~")):
        folder, notices = _download(text, revision)
        # The folder of a snapshot is called after its commit.
        model = load_folder(folder, f"{text}@{folder.name}", attribute)
        return replace(model, notices=notices, revision=folder.name)
    raise ModelRejected(
        f"No model {text!r}: give one of {', '.join(ATTRIBUTES)}, a folder, or a Hub repository org/name."
    )


def repository_of(organisation: str, attribute: str) -> str:
    """The Hub repository that holds an attribute's model."""
    return f"{organisation}/{REPOSITORY.format(attribute.replace('_', '-'))}"


def attributes_of(organisation: str) -> list[str]:
    """The attributes whose models an organisation or user of the Hub holds; those in the cache when the Hub is down.

    Raises:
        ModelRejected: there are none.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache

    try:
        models = _within(PATIENCE, lambda: [model.id for model in HfApi().list_models(author=organisation)], lambda: 0)
    except Exception as error:  # noqa: BLE001 - as in _download
        logger.warning("The Hub could not be reached (%s): the cache is looked through.", type(error).__name__)
        ids = [repository_of(organisation, attribute) for attribute in ATTRIBUTES]
        models = [id for id in ids if isinstance(try_to_load_from_cache(id, CONFIG), str)]
    prefix = f"{organisation}/{REPOSITORY.format('')}"
    found = {model.removeprefix(prefix).replace("-", "_") for model in models if model.startswith(prefix)}
    known = [attribute for attribute in ATTRIBUTES if attribute in found]
    if not known:
        raise ModelRejected(f"{organisation!r} holds no model called {prefix}...: check the name and the network.")
    return known


def _download(repository: str, revision: str | None) -> tuple[Path, tuple[str, ...]]:
    """The folder of a snapshot, from the Hub or, when it cannot be reached, from the cache."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.constants import HF_HUB_CACHE
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError, RevisionNotFoundError

    blobs = Path(HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}" / "blobs"

    def snapshot(local: bool) -> Path:
        found = snapshot_download(repository, revision=revision, allow_patterns=list(FILES), local_files_only=local)
        return Path(found)

    def fetch() -> Path:
        # Asked alone, a snapshot comes from the cache without a word when the Hub is down.
        commit = HfApi().model_info(repository, revision=revision).sha
        folder = snapshot(local=False)
        if folder.name != commit:
            raise ConnectionError("the Hub went away")
        return folder

    def received() -> int:
        return sum(path.stat().st_size for path in blobs.glob("*") if path.is_file())

    try:
        return _within(PATIENCE, fetch, received), ()
    except RevisionNotFoundError:
        raise ModelRejected(f"{repository} has no revision {revision!r}: check the name.") from None
    except RepositoryNotFoundError:
        raise ModelRejected(f"The Hub has no {repository!r}, or it is private: check the name, or log in.") from None
    except HFValidationError as error:
        raise ModelRejected(f"{repository!r} is no name of a repository ({error}): check it.") from None
    except Exception as error:  # noqa: BLE001 - the client lets whatever its transport raises through
        reason = type(error).__name__
    try:
        folder = snapshot(local=True)
    except OSError:
        raise ModelRejected(
            f"{repository} could not be fetched from the Hub ({reason}) and is not in the cache: "
            "check the network and the disk, or use the embedded weights."
        ) from None
    notice = f"The Hub could not be reached ({reason}): the cached copy of {repository} is used."
    logger.warning("%s", notice)
    return folder, (notice,)


def _within(patience: float, work: Callable[[], T], progress: Callable[[], int]) -> T:
    """Run work in a thread of its own and wait as long as it goes on: until ``progress`` stood still for ``patience``.

    Raises:
        TimeoutError: it stood still. The thread is left to end by itself.
        Exception: whatever the work raised.
    """
    results: list[T] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - raised again below, in the caller's thread
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    seen, since = progress(), time.monotonic()
    while thread.is_alive() and time.monotonic() - since < patience:
        thread.join(0.1)
        if progress() != seen:
            seen, since = progress(), time.monotonic()
    if errors:
        raise errors[0]
    if not results:
        raise TimeoutError(f"nothing came for {patience:.0f} seconds")
    return results[0]
