"""What the package raises when input is bad: one sentence with what was expected, what was found and what to do."""


class DiatError(Exception):
    """Base of every error that a user can cause and can mend."""


class InvalidArgument(DiatError, ValueError):
    """An argument is out of range, or not one of its choices."""


class PhotoRejected(DiatError):
    """The photograph, or the face in it, cannot be used."""


class ModelRejected(DiatError):
    """A model's files are missing, damaged or not what was asked for."""


class TrainingStopped(DiatError):
    """Training cannot start, or stopped to keep what is good."""


# Which extra of the package brings a library, by the name that is imported.
EXTRAS = {
    "av": "video",
    "gradio": "app",
    "starlette": "app",
    "mcp": "mcp",
    "torch": "gpu",
    "accelerate": "train",
    "datasets": "train",
}


def explain_import_error(error: ImportError) -> str:
    """One sentence on a package that cannot be imported; OpenCV's missing system libraries are the usual case."""
    if "lib" in str(error) and ".so" in str(error):
        return (
            f"OpenCV needs a system library that is missing ({error}): on Debian or Ubuntu, run "
            "`apt-get install libgl1 libglib2.0-0`."
        )
    extra = EXTRAS.get((error.name or "").split(".")[0])
    if extra is not None:
        return f"This needs the package {error.name}: run `pip install 'diat[{extra}]'`."
    return f"A package is missing ({error}): run `pip install -r requirements.txt -e .`."
