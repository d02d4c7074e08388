"""Models sent to the Hugging Face Hub: one commit that holds all of a folder's files, or none."""

from __future__ import annotations

import tempfile
from pathlib import Path

from diat.errors import DiatError
from diat.files import write_file
from diat.models import Model, write_model

COMMIT_MESSAGE = "Update the model"
CARD = """
# DIAT: {attribute}

```python
from diat import FaceEditor

FaceEditor.from_pretrained("{repository}").edit("photo.jpg").save("edited.png")
```

The weights are for non-commercial research only. Edit photographs of people who agreed, and say that they are edited.
"""


def push_model(
    model: Model,
    repository: str,
    *,
    token: str | bool | None = None,
    private: bool = False,
    commit_message: str = COMMIT_MESSAGE,
) -> str:
    """Send a model with a short card, and return the commit that holds it; see `push_folder`."""
    from huggingface_hub import ModelCard, ModelCardData

    card = ModelCardData(
        license="other",
        license_name="non-commercial-research",
        library_name="diat",
        pipeline_tag="image-to-image",
        datasets=["flwrlabs/celeba"],
        tags=["face", "facial-attributes", "image-editing", model.config.attribute.replace("_", "-")],
    )
    text = f"---\n{card.to_yaml()}\n---\n{CARD.format(attribute=model.config.attribute, repository=repository)}"
    with tempfile.TemporaryDirectory() as folder:
        write_model(Path(folder, "model"), model.config, model.weights, model.training)
        write_file(Path(folder, "model", "README.md"), str(ModelCard(text)).encode())
        return push_folder(repository, Path(folder, "model"), token, private, commit_message)


def push_folder(
    repository: str,
    folder: Path,
    token: str | bool | None = None,
    private: bool = False,
    commit_message: str = COMMIT_MESSAGE,
) -> str:
    """Make the repository if need be, commit a folder's files to it in one commit, and return the commit's id.

    What is there already is not sent again: without a change no commit is made, and the id is the last one's.

    Args:
        repository: ``"org/name"``.
        folder: its files, at any depth.
        token: None takes the one that `hf auth login` or HF_TOKEN gave.
        private: whether a repository that is made now is private.
        commit_message: what the Hub shows beside the commit.

    Raises:
        DiatError: the Hub refused or could not be reached; the sentence says whether the repository was made.
    """
    from huggingface_hub import CommitOperationAdd, HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi(token=token)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    operations = [CommitOperationAdd(path.relative_to(folder).as_posix(), str(path)) for path in files]
    state = f"{repository} is as it was."
    try:
        if not api.repo_exists(repository):
            api.create_repo(repository, private=private)
            state = f"{repository} was created and is empty."
        commit: str = api.create_commit(repository, operations, commit_message=commit_message).oid
    except HfHubHTTPError as error:
        status = error.response.status_code if error.response is not None else "no answer"
        hint = "try again later"
        if status in (401, 403):
            hint = "log in with a token that may write there (`hf auth login`, or HF_TOKEN)"
        raise DiatError(f"The Hub refused {repository} (status {status}): {hint}. {state}") from error
    except Exception as error:  # noqa: BLE001 - the client lets whatever its transport raises through
        raise DiatError(f"The Hub could not be reached ({type(error).__name__}): try again later. {state}") from error
    return commit
