"""Where models come from: the package, a folder, or the Hugging Face Hub with a deadline and the cache behind it."""

from __future__ import annotations

import difflib
import hashlib
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from diat.attributes import ATTRIBUTES, COLUMNS, NOT
from diat.deadline import run_within
from diat.errors import InvalidArgument, ModelRejected
from diat.models import CONFIG, MANIFEST, WEIGHTS, Model, load_folder
from diat.released import MANIFEST_SHA256

logger = logging.getLogger(__name__)

EMBEDDED = Path(__file__).parent / "weights"
FILES = (WEIGHTS, CONFIG, MANIFEST)
# Without a byte for this long the Hub counts as down. Its client alone tries a stalled server for 86 seconds and one
# that answers 503 for 23 (both measured with huggingface_hub 2.4), and its time-outs belong to the whole process.
STALL_TIMEOUT_S = 9.0
PART = 64 * 2**10  # bytes that are a sign of life; a server that drips would hold a download for hours
REPOSITORY = "diat-{}"  # what `train/push.py` calls the repository of an attribute


@dataclass(frozen=True)
class HubOptions:
    """How to ask the Hub; the words are those of `huggingface_hub.snapshot_download`."""

    revision: str | None = None  # branch, tag or commit; None is the default branch
    token: bool | str | None = None  # None takes the one that `hf auth login` or HF_TOKEN gave
    cache_dir: str | Path | None = None
    local_files_only: bool = False
    force_download: bool = False
    subfolder: str | None = None  # of the repository, or of the folder


def load_model(
    name: str | Path,
    *,
    attribute: str | None = None,
    revision: str | None = None,
    token: bool | str | None = None,
    cache_dir: str | Path | None = None,
    local_files_only: bool = False,
    force_download: bool = False,
    subfolder: str | None = None,
) -> Model:
    """Load a model strictly: the manifest's digests, exact names and shapes, finite values, the right attribute.

    Args:
        name: an attribute (its embedded weights), a folder, or a Hub repository ``"org/diat-mouth-close"``.
        attribute: what the caller wants; a model of another attribute is refused.
        revision: branch, tag or commit of a Hub repository.
        token: for private repositories; None takes the one that `hf auth login` or HF_TOKEN gave, False none.
        cache_dir: where Hub files are kept; None is huggingface_hub's own.
        local_files_only: take a Hub repository from the cache and do not touch the network.
        force_download: fetch a Hub repository's files though the cache holds them.
        subfolder: where in the repository or folder the model lies.

    Raises:
        ModelRejected: anything about the files is not as it should be, or the Hub gave nothing within ten seconds and
            the cache has no copy. Only safetensors are ever opened.
        InvalidArgument: ``name`` is neither text nor a path.
    """
    if not isinstance(name, str | os.PathLike):
        raise InvalidArgument(f"A model is an attribute, a folder, or a Hub repository org/name, not {name!r}.")
    options = HubOptions(revision, token, cache_dir, local_files_only, force_download, subfolder)
    text = str(name)
    if text in ATTRIBUTES:
        model = load_folder(EMBEDDED / text, "embedded", attribute or text)
        if hashlib.sha256((EMBEDDED / text / MANIFEST).read_bytes()).hexdigest() != MANIFEST_SHA256.get(text):
            raise ModelRejected(
                f"The embedded model {text!r} is not the released one: install diat again, or give its folder instead."
            )
        return model
    if Path(name).is_dir():
        return load_folder(Path(name, subfolder or "."), text, attribute)
    if text.count("/") == 1 and not text.startswith((".", "/", "~")):
        snapshot, notices = _download(text, options)
        # The folder of a snapshot is called after its commit.
        model = load_folder(snapshot / (subfolder or "."), f"{text}@{snapshot.name}", attribute)
        return replace(model, notices=notices, revision=snapshot.name)
    near = difflib.get_close_matches(text, ATTRIBUTES, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"give one of {', '.join(ATTRIBUTES)},"
    raise ModelRejected(
        f"No model {text!r}: {hint} {'Or give' if near else 'or'} a folder, or a Hub repository org/name."
    )


def repository_of(organisation: str, attribute: str) -> str:
    """The Hub repository that holds an attribute's model."""
    return f"{organisation}/{REPOSITORY.format(attribute.replace('_', '-'))}"


def models_of(organisation: str) -> dict[str, str]:
    """The attributes whose models an organisation or user of the Hub holds, and their repositories.

    They are the released ones first, then CelebA's columns in either direction. When the Hub is down they are those in
    the cache.

    Raises:
        ModelRejected: there are none.
    """
    from huggingface_hub import HfApi, try_to_load_from_cache

    attributes = [*ATTRIBUTES, *COLUMNS, *(NOT + column for column in COLUMNS)]

    def ask(alive: Callable[[], None]) -> list[str]:
        found = []
        for model in HfApi().list_models(author=organisation, search=REPOSITORY.format("")):
            alive()
            found.append(model.id)
        return found

    try:
        repositories = run_within(STALL_TIMEOUT_S, ask)
    except Exception as error:  # noqa: BLE001 - as in _download
        logger.warning("The Hub could not be reached (%s): the cache is looked through.", type(error).__name__)
        named = [repository_of(organisation, attribute) for attribute in attributes]
        repositories = [name for name in named if isinstance(try_to_load_from_cache(name, CONFIG), str)]
    by_name = {repository.lower(): repository for repository in repositories}
    wanted = {attribute: repository_of(organisation, attribute).lower() for attribute in attributes}
    known = {attribute: by_name[name] for attribute, name in wanted.items() if name in by_name}
    if not known:
        raise ModelRejected(
            f"{organisation!r} holds no model called {organisation}/{REPOSITORY.format('')}...: "
            "check the name and the network."
        )
    return known


def _download(repository: str, options: HubOptions) -> tuple[Path, tuple[str, ...]]:
    """The folder of a snapshot, from the Hub or, when it is away, from the cache; and what to tell the user."""
    from huggingface_hub.constants import is_offline_mode
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    if options.local_files_only or is_offline_mode():
        return _cached(repository, options, "the network is not to be used"), ()
    try:
        return run_within(STALL_TIMEOUT_S, lambda alive: _fetched(repository, options, alive)), ()
    except ModelRejected:
        raise
    except RevisionNotFoundError:
        raise ModelRejected(f"{repository} has no revision {options.revision!r}: check the name.") from None
    except GatedRepoError:
        raise ModelRejected(
            f"{repository} is gated: ask for access on its page on the Hub, then log in with `hf auth login`."
        ) from None
    except RepositoryNotFoundError:
        raise ModelRejected(f"The Hub has no {repository!r}, or it is private: check the name, or log in.") from None
    except HFValidationError as error:
        raise ModelRejected(f"{repository!r} is not a valid repository name ({error}): check it.") from None
    except Exception as error:  # noqa: BLE001 - the client lets whatever its transport raises through
        reason = type(error).__name__
    folder = _cached(repository, options, reason)
    notice = f"The Hub could not be reached ({reason}): the cached copy of {repository} is used."
    logger.warning("%s", notice)
    return folder, (notice,)


def _fetched(repository: str, options: HubOptions, alive: Callable[[], None]) -> Path:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import EntryNotFoundError

    # Asked alone, a snapshot comes from the cache without a word when the Hub is down.
    commit = HfApi(token=options.token).model_info(repository, revision=options.revision).sha
    alive()
    folder = Path()
    for name in FILES:
        # One by one in this thread: the threads that a snapshot is downloaded by outlive a download that is given up,
        # and the process would wait for them at its end.
        try:
            path = Path(_file(repository, options, name, alive))
        except EntryNotFoundError:  # said when the model is read
            continue
        folder = path.parent if options.subfolder is None else path.parents[len(Path(options.subfolder).parts)]
    if not folder.name:
        raise ModelRejected(f"{repository} lacks {MANIFEST}, {CONFIG} and {WEIGHTS}: choose a repository with a model.")
    if folder.name != commit:
        raise ConnectionError("the client fell back to its cache, so the Hub went away between two requests")
    return folder


def _cached(repository: str, options: HubOptions, reason: str) -> Path:
    """Raises ModelRejected: the cache has no copy."""
    try:
        if options.force_download:
            raise FileNotFoundError("a copy in the cache is not what was asked for")
        folder = _snapshot(repository, options)
        if not all((folder / (options.subfolder or "") / name).is_file() for name in FILES):
            raise FileNotFoundError("the cache holds a download that was given up")
        return folder
    except OSError:
        raise ModelRejected(
            f"{repository} could not be fetched from the Hub ({reason}) and is not in the cache: "
            "check the network and the disk, or use the embedded weights."
        ) from None


def _snapshot(repository: str, options: HubOptions) -> Path:
    """What the cache holds. Raises OSError: nothing."""
    from huggingface_hub import snapshot_download

    patterns = [f"{options.subfolder}/{name}" if options.subfolder else name for name in FILES]
    return Path(
        snapshot_download(
            repository,
            revision=options.revision,
            cache_dir=options.cache_dir,
            local_files_only=True,
            allow_patterns=patterns,
        )
    )


def _file(repository: str, options: HubOptions, name: str, alive: Callable[[], None]) -> str:
    """Download a file into the cache, if it is not there. -> its path."""
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.utils import tqdm  # type: ignore[attr-defined]

    # By default the client counts what it receives in parts of ten megabytes, which on a slow line take minutes.
    constants.DOWNLOAD_CHUNK_SIZE = min(constants.DOWNLOAD_CHUNK_SIZE, PART)

    received = 0.0

    class Progress(tqdm):
        """The client's own bar; every received part is a sign of life, until the file should be whole."""

        def update(self, n: float | None = 1) -> bool | None:
            nonlocal received
            received += max(n or 0, 0)  # what is fetched again counts again
            if self.total is not None and received > self.total:  # cut off, the client begins again for ever
                raise ConnectionError("more came than the file holds")
            alive()
            shown: bool | None = super().update(n)
            return shown

    path: str = hf_hub_download(
        repository,
        name,
        subfolder=options.subfolder,
        revision=options.revision,
        cache_dir=options.cache_dir,
        token=options.token,
        force_download=options.force_download,
        tqdm_class=Progress,
    )
    alive()
    return path
