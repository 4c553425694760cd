"""The examples in docs/integration are what the code makes, and they are valid."""

import json

import pytest

from interop.fhir_server import validate
from interop.write_examples import EXAMPLES, examples


@pytest.mark.parametrize("name", examples())
def test_examples_are_current(name):
    assert (EXAMPLES / name).read_text(encoding="utf-8") == examples()[name]


def test_no_example_is_left_over():
    assert {path.name for path in EXAMPLES.iterdir()} == set(examples())


@pytest.mark.parametrize("name", [name for name in examples() if name.startswith("fhir-")])
def test_fhir_examples_are_valid(name):
    resource = json.loads(examples()[name])
    validate(resource)
    for entry in resource.get("entry", []):
        validate(entry["resource"])
