import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from pneumoscope.web.config import env
from pneumoscope.web.config import settings as module

ROOT = Path(__file__).parents[3]


def names() -> list[str]:
    folder = Path(module.__file__).parent
    text = "".join(path.read_text() for path in folder.glob("*.py"))
    return sorted(set(re.findall(r'env_\w+\(\s*"([A-Z_]+)"', text)))


@pytest.mark.parametrize("name", names())
def test_every_setting_is_documented(name):
    assert f"`PNEUMOSCOPE_{name}`" in (ROOT / "docs" / "operations.md").read_text()


def test_nothing_is_documented_that_does_not_exist():
    documented = re.findall(
        r"^\| `PNEUMOSCOPE_([A-Z_]+)`", (ROOT / "docs/operations.md").read_text(), re.MULTILINE
    )
    assert sorted(documented) == names()


def test_the_module_stays_readable():
    assert len(Path(module.__file__).read_text().splitlines()) < 300


@pytest.mark.parametrize(("word", "value"), [("yes", True), ("0", False), ("TRUE", True)])
def test_booleans(monkeypatch, word, value):
    monkeypatch.setenv("PNEUMOSCOPE_X", word)
    assert env.env_bool("X", not value) is value


@pytest.mark.parametrize(
    ("read", "word"),
    [
        (lambda: env.env_bool("X", default=True), "maybe"),
        (lambda: env.env_int("X", 1), "many"),
        (lambda: env.env_int("X", 1), "0"),
        (lambda: env.env_float("X", 1.0, least=0.5), "0.1"),
        (lambda: env.env_float("X", 1.0), "nan"),
        (lambda: env.env_float("X", 1.0), "inf"),
        (lambda: env.env_rate("X", "6000/min"), ""),
        (lambda: env.env_rate("X", "6000/min"), "6000"),
        (lambda: env.env_rate("X", "6000/min"), "6000/x"),
    ],
)
def test_a_wrong_value_names_the_setting(monkeypatch, read, word):
    monkeypatch.setenv("PNEUMOSCOPE_X", word)
    with pytest.raises(ImproperlyConfigured, match="PNEUMOSCOPE_X"):
        read()


def test_a_database_address():
    parsed = env.database_from_url("postgresql://me:p%40ss@db.example:5433/scope?sslmode=require")
    assert parsed == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "scope",
        "USER": "me",
        "PASSWORD": "p@ss",
        "HOST": "db.example",
        "PORT": "5433",
        "OPTIONS": {"sslmode": "require"},
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }
    with pytest.raises(ImproperlyConfigured, match="postgresql"):
        env.database_from_url("mysql://x/y")


def test_the_secret_key_is_made_once_for_its_owner(tmp_path):
    home = tmp_path / "home"
    key = env.secret_key(home)
    assert len(key) > 50
    assert env.secret_key(home) == key
    assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def check(home: Path, **values: str) -> subprocess.CompletedProcess[str]:
    """The system checks of an installation with these settings."""
    variables = {f"PNEUMOSCOPE_{name}": value for name, value in values.items()}
    inherited = dict(os.environ)  # noqa: TID251
    environment = {**inherited, "PNEUMOSCOPE_HOME": str(home), **variables}
    command = [sys.executable, "-m", "pneumoscope.web", "check"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_a_right_installation_has_nothing_to_say(tmp_path):
    result = check(tmp_path)
    assert result.returncode == 0, result.stderr
    assert "no issues" in result.stdout


@pytest.mark.parametrize(
    ("values", "fails", "expected"),
    [
        ({"MODEL": "nowhere"}, True, "E003"),
        ({"OPERATING_POINT": "strict"}, True, "E004"),
        ({"DEBUG": "true", "ALLOWED_HOSTS": "scope.example"}, True, "E002"),
        ({"ALLOWED_HOSTS": "scope.example"}, False, "W001"),
        ({"ALLOWED_HOSTS": "scope.example", "TLS": "true"}, False, "no issues"),
        ({"LEASE_SECONDS": "1"}, False, "W002"),
        ({"LISTEN_TLS_CERTIFICATE": "/nowhere.pem"}, True, "E005"),
        ({"CA_FILE": "/nowhere.pem"}, True, "E005"),
        ({"HL7_TLS": "true"}, True, "E005"),
        ({"HL7_ALLOWED": "everywhere"}, True, "E006"),
        ({"HL7_PORT": "2575", "HL7_HOST": "10.0.0.1"}, False, "W003"),
        ({"LISTEN_PROMISCUOUS": "true"}, False, "W004"),
    ],
)
def test_a_wrong_installation_is_told_what_to_do(tmp_path, values, fails, expected):
    result = check(tmp_path, **values)
    assert (result.returncode != 0) == fails
    assert expected in result.stdout + result.stderr
    assert "HINT" in result.stderr or expected == "no issues"


def test_a_home_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    result = check(tmp_path / "file" / "home")
    assert result.returncode != 0
    assert "E001" in result.stderr
