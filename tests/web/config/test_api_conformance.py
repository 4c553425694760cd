"""The API against its own description: made-up requests, valid and not, get documented answers.

After the method of schemathesis: requests are generated from the OpenAPI document, and each answer
must be one that the document names, in its content type and by its schema; no request is a 500.
"""

import json
import uuid
from typing import Any
from urllib.parse import urlencode

import pytest
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from pneumoscope.web.config.problems import CONTENT_TYPE
from pneumoscope.web.people.services import token_create
from web.pages import image_analysed, image_failed, image_make, image_rejected, study_make

pytestmark = pytest.mark.django_db

DOCUMENT = SchemaGenerator().get_schema(request=None, public=True)
OPERATIONS = [
    (method, path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
ANY_ERROR = {"responses": {"default": OPERATIONS[0][2]["responses"]["default"]}}
BOUNDED = settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# What a header may hold on its way through a server.
HEADER = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=300)
CHARACTERS = st.characters(exclude_categories=["Cs"])


def values_of(schema: dict[str, Any]) -> st.SearchStrategy[str]:
    """Of a parameter: what its schema allows, and what it does not."""
    allowed = {
        "boolean": st.sampled_from(["true", "false"]),
        "integer": st.integers().map(str),
        "string": st.text(CHARACTERS, max_size=40),
    }[schema.get("type", "string")]
    if schema.get("format") == "uuid":
        allowed = st.uuids().map(str)
    if schema.get("format") == "date":
        allowed = st.dates().map(str)
    if "enum" in schema:
        allowed = st.sampled_from(schema["enum"])
    return st.one_of(allowed, st.text(CHARACTERS, max_size=40))


@st.composite
def requests(draw: st.DrawFn, path: str, operation: dict[str, Any], known: list[str]) -> Any:
    """Path, query, headers and body of one request."""
    query, headers = {}, {}
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "path":
            values = st.one_of(st.sampled_from(known), st.uuids().map(str))
            path = path.replace(f"{{{name}}}", draw(values))
        elif draw(st.booleans()):
            value = draw(HEADER if parameter["in"] == "header" else values_of(parameter["schema"]))
            (headers if parameter["in"] == "header" else query)[name] = value
    return path, query, headers, _body(draw) if "requestBody" in operation else None


def _body(draw: st.DrawFn) -> tuple[bytes, str]:
    """Parts of a form, whole or with a name, a boundary or a type that is none."""
    part = draw(st.sampled_from([b"file", b"file", b"", b"other\0"]))
    data = draw(st.one_of(st.binary(max_size=60), st.just(b"PK\3\4 no zip"), st.just(b"\xff\xd8")))
    name = draw(st.text(CHARACTERS, max_size=30)).replace('"', "").encode()
    kinds = ["multipart/form-data; boundary=b", "multipart/form-data", "application/json", ""]
    head = b'Content-Disposition: form-data; name="%s"; filename="%s"' % (part, name)
    whole = b"--b\r\n%s\r\n\r\n%s\r\n--b--\r\n" % (head, data)
    return draw(st.sampled_from([whole, whole, whole[:-4], b"", data])), draw(
        st.sampled_from([kinds[0], *kinds])
    )


def check(operation: dict[str, Any], answer: Any, asked: object) -> None:
    """The answer is one that the document names."""
    assert answer.status_code < 500, (asked, answer.content)
    described = operation["responses"].get(str(answer.status_code))
    described = described or operation["responses"]["default"]
    kind = answer["Content-Type"].partition(";")[0]
    assert kind in described["content"], (asked, answer.status_code, kind)
    if answer.status_code >= 400:
        assert kind == CONTENT_TYPE, asked
    if not kind.endswith("json") or "openapi" in kind:
        return
    schema = {**described["content"][kind]["schema"], "components": DOCUMENT["components"]}
    errors = list(Draft202012Validator(schema).iter_errors(json.loads(answer.content)))
    assert not errors, (asked, [error.message for error in errors])


@pytest.fixture
def known(site) -> list[str]:
    """Studies in every state there is."""
    images = [image_make(study_make(patient_id="4711", age_years=3.0)) for _ in range(4)]
    image_analysed(images[1])
    image_rejected(images[2])
    image_failed(images[3], "truncated_file", "The file ends early.", "Send it again.")
    return [str(image.study_id) for image in images]


@pytest.fixture
def asking(reader) -> APIClient:
    client = APIClient(raise_request_exception=False)
    token = token_create(
        acting_user=None, person=reader, site=reader.site, name="conformance", scope="write"
    )
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    return client


def test_the_document_is_openapi_3_1():
    assert DOCUMENT["openapi"].startswith("3.1.")
    for _, path, operation in OPERATIONS:
        assert "default" in operation["responses"], path
        assert operation["operationId"]


@pytest.mark.parametrize(
    ("method", "path", "operation"), OPERATIONS, ids=[f"{m} {p}" for m, p, _ in OPERATIONS]
)
def test_every_answer_is_one_that_is_described(method, path, operation, asking, known):
    @BOUNDED
    @given(requests(path, operation, known))
    def ask(asked: Any) -> None:
        address, query, headers, body = asked
        data, kind = body or (b"", "")
        names = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in headers.items()}
        address = f"{address}?{urlencode(query)}"
        answer = asking.generic(method.upper(), address, data, content_type=kind, **names)
        check(operation, answer, asked)

    ask()


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", sorted({path for _, path, _ in OPERATIONS}))
def test_every_other_method_and_every_stranger_gets_a_problem(method, path, asking, known):
    address = path.replace("{study_id}", str(uuid.uuid4()))
    for client in (asking, APIClient(raise_request_exception=False)):
        answer = getattr(client, method)(address)
        if answer.status_code >= 400:
            check(
                {"responses": {"default": OPERATIONS[0][2]["responses"]["default"]}}, answer, path
            )
        assert answer.status_code < 500


@pytest.mark.parametrize("path", ["", "nothing", "studies/", "studies/1", "models/x", "\u2603"])
def test_an_address_that_is_none_is_a_problem(path, asking):
    answer = asking.get(f"/api/v1/{path}")
    assert answer.status_code == 404
    assert answer["Content-Type"] == CONTENT_TYPE
