"""The API against its own description: schemathesis on a running server, and what it leaves out."""

import subprocess
import sys
import uuid
from pathlib import Path

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from pneumoscope.web.accounts.models import User
from pneumoscope.web.accounts.roles import Role, Scope
from pneumoscope.web.config.api import urlpatterns
from pneumoscope.web.config.problems import CONTENT_TYPE
from pneumoscope.web.people.services import token_create
from pneumoscope.web.reviews.models import Kind
from pneumoscope.web.reviews.services import Opinion, review_create
from web.pages import (
    BUNDLE_HASH,
    image_analysed,
    image_failed,
    image_make,
    image_rejected,
    study_make,
)

# As docs/operations.md tells to run it, with fewer examples and the same ones every time.
BOUNDS = ["--generation-deterministic", "--max-examples", "10", "--no-color"]
LEFT_OUT = ["--exclude-checks", "positive_data_acceptance"]


@pytest.fixture
def person(user_of) -> User:
    """Somebody who may do whatever a token can."""
    return user_of(Role.ADMINISTRATOR)


@pytest.fixture
def token(person) -> str:
    return token_create(
        acting_user=None, person=person, site=person.site, name="conformance", scope=Scope.WRITE
    )


@pytest.fixture
def known(person) -> dict[str, list[str]]:
    """Studies in every state there is, one of them reviewed, by the names of what asks for them."""
    images = [image_make(study_make(patient_id="4711", age_years=3.0)) for _ in range(5)]
    image_analysed(images[0])
    agreed = Opinion(agreement="agree", label="pneumonia")
    review_create(
        acting_user=person, analysis=image_analysed(images[1]), kind=Kind.READING, opinion=agreed
    )
    image_rejected(images[2])
    image_failed(images[3], "truncated_file", "The file ends early.", "Send it again.")
    studies = [str(image.study_id) for image in images]
    # The one that can be reviewed most often: whatever else is sent has to fit it.
    return {
        "path.study_id": [*studies, *studies[:1] * 5],
        "body.image": [str(images[0].pk)],
        "body.model": [BUNDLE_HASH],
    }


@pytest.fixture
def asking(token) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def configure(folder: Path, known: dict[str, list[str]]) -> None:
    """Most of what is asked for is there; made-up keys alone would only ever find nothing."""
    lines = [
        f'dictionaries."{name}".values = {values}\n'
        f'parameters."{name}" = {{ dictionary = "{name}", probability = 0.8 }}\n'
        for name, values in known.items()
    ]
    (folder / "schemathesis.toml").write_text("".join(lines))


def test_schemathesis_finds_nothing(live_server, token, known, tmp_path):
    configure(tmp_path, known)
    command = [sys.executable, "-m", "schemathesis.cli", "run", *LEFT_OUT, *BOUNDS]
    done = subprocess.run(
        [*command, "-H", f"Authorization: Token {token}", f"{live_server.url}/api/v1/schema"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


BROKEN_FORMS = [
    ("multipart/form-data", b"--b\r\n\r\n\r\n--b--\r\n"),
    ("multipart/form-data; boundary=b", b""),
    ("multipart/form-data; boundary=b", b"no boundary"),
    ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="file'),
    ("multipart/form-data; boundary=b", b"--b\r\n\r\nno name\r\n--b--\r\n"),
    ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: x; name="\0"\r\n\r\n\r\n'),
]


@pytest.mark.parametrize(("kind", "body"), BROKEN_FORMS)
@pytest.mark.usefixtures("db")
def test_a_broken_form_is_a_problem(kind, body, asking):
    answer = asking.generic("POST", "/api/v1/studies", body, content_type=kind)
    assert (answer.status_code, answer["Content-Type"]) == (400, CONTENT_TYPE)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@pytest.mark.parametrize("pattern", urlpatterns, ids=lambda each: each.name)
@pytest.mark.usefixtures("db")
def test_whatever_is_refused_is_a_problem(method, pattern, asking):
    keys = dict.fromkeys(pattern.pattern.converters, uuid.uuid4())
    for client in (asking, APIClient(raise_request_exception=False)):
        answer = getattr(client, method)(reverse(f"api:{pattern.name}", kwargs=keys))
        assert answer.status_code < 500
        assert answer.status_code < 400 or answer["Content-Type"] == CONTENT_TYPE


@pytest.mark.parametrize("path", ["", "nothing", "studies/", "studies/1", "models/x", "\u2603"])
@pytest.mark.usefixtures("db")
def test_an_address_that_is_none_is_a_problem(path, asking):
    answer = asking.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == CONTENT_TYPE
