from io import StringIO
from pathlib import Path

from django.core.management import call_command

SNAPSHOT = Path(__file__).parents[3] / "docs" / "openapi.yaml"


def test_the_described_api_is_the_api():
    """After a wanted change: python -m pneumoscope.web spectacular --file docs/openapi.yaml"""
    described = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=described)
    assert described.getvalue().strip() == SNAPSHOT.read_text().strip()


def test_the_schema_is_served_to_everyone(client, db):
    response = client.get("/api/v1/schema")
    assert response.status_code == 200
    assert b"openapi: 3.1" in response.content
