"""The optional parts of an installation (pyproject.toml) and how to get them."""

from importlib.util import find_spec

from pneumoscope.core.errors import PneumoscopeError

# The module that stands for the extra: where it imports, the extra is installed.
EXTRAS = {"web": "django", "lab": "torch", "dicom": "pynetdicom"}


class MissingExtra(PneumoscopeError):
    """The command needs an optional part that is not installed."""

    code = "missing_extra"
    remedy = (
        "Install it: pip install 'pneumoscope[web,dicom,lab]'; "
        "in a clone, `make run` or `make test`."
    )


def extra_installed(name: str) -> bool:
    return find_spec(EXTRAS[name]) is not None


def require_extra(name: str) -> None:
    """Raises MissingExtra unless the extra `name` is installed."""
    if not extra_installed(name):
        raise MissingExtra(f"This needs the extra “{name}” ({EXTRAS[name]}), which is missing.")
