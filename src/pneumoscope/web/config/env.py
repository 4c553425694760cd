"""Typed reading of the environment. Every name gets the prefix PNEUMOSCOPE_."""

import os
import re
import secrets
from math import inf
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PREFIX = "PNEUMOSCOPE_"
_WORDS = {"1": True, "true": True, "yes": True, "on": True}
_WORDS |= {"0": False, "false": False, "no": False, "off": False}


def env_str(name: str, default: str = "") -> str:
    return os.environ.get(PREFIX + name, default)  # noqa: TID251


def env_list(name: str, default: str = "") -> list[str]:
    """Comma-separated."""
    return [word.strip() for word in env_str(name, default).split(",") if word.strip()]


def env_bool(name: str, default: bool) -> bool:
    word = env_str(name, str(default)).lower()
    if word not in _WORDS:
        raise ImproperlyConfigured(f"{PREFIX}{name} is {word!r}: write true or false.")
    return _WORDS[word]


def env_int(name: str, default: int, *, least: int = 1) -> int:
    return int(_number(name, default, least, int))


def env_float(name: str, default: float, *, least: float = 0.0) -> float:
    return float(_number(name, default, least, float))


def _number(name: str, default: float, least: float, kind: type[int] | type[float]) -> float:
    word = env_str(name, str(default))
    try:
        value = kind(word)
    except ValueError:
        raise ImproperlyConfigured(f"{PREFIX}{name} is {word!r}: write a number.") from None
    if not least <= value < inf:
        raise ImproperlyConfigured(f"{PREFIX}{name} is {word}: write a number from {least} on.")
    return value


def env_rate(name: str, default: str) -> str:
    """So many requests in a second, minute, hour or day: `6000/min`."""
    word = env_str(name, default)
    if not re.fullmatch("[0-9]+/(s|sec|second|m|min|minute|h|hour|d|day)", word):
        raise ImproperlyConfigured(f"{PREFIX}{name} is {word!r}: write a rate such as {default}.")
    return word


def env_path(name: str, default: str) -> Path:
    return Path(env_str(name, default)).expanduser().resolve()


def origin(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def database_from_url(url: str) -> dict[str, object]:
    """`postgresql://user:password@host:port/name?option=value` → Django's dictionary."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(
            f"{PREFIX}DATABASE_URL begins with {parts.scheme!r}: only postgresql:// is read; "
            "leave it empty for SQLite."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def secret_key(home: Path) -> str:
    """The key of this installation, made once, readable by its owner alone.

    Where `home` cannot be written the key lives as long as the process; a system check says so.
    """
    path = home / "secret_key"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    except OSError:
        return secrets.token_urlsafe(64)
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(64))
    return path.read_text().strip()
