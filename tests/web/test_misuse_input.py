"""Values that no form offers: each is refused or finds nothing, and none is a failure here."""

from base64 import b64encode
from urllib.parse import urlencode

import pytest

from pneumoscope.web.accounts.roles import Role

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("zone", ["UTC", "Africa/Nairobi", "America/Lima"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
@pytest.mark.parametrize("url", ["/", "/worklist.csv", "/audit/", "/dashboard/", "/api/v1/studies"])
def test_the_first_day_and_the_last_are_days(url, day, zone, site, user_of, client_of):
    site.time_zone = zone
    site.save()
    client = client_of(user_of(Role.ADMINISTRATOR))
    for name in ("since", "until"):
        assert client.get(url, {name: day}).status_code < 500


NOTHING_IS_CALLED_SO = ["/models/%00/", "/oidc/%00/login/", "/api/v1/%00", "/fhir/%00", "/%00"]


@pytest.mark.parametrize("url", NOTHING_IS_CALLED_SO)
def test_an_address_with_a_nul_is_refused(url, user_of, client_of):
    """PostgreSQL fails when it is asked for one."""
    assert client_of(user_of(Role.ADMINISTRATOR)).get(url).status_code == 400


def test_a_cookie_with_a_nul_is_refused(client, db):
    answer = client.get("/", headers={"Cookie": 'sessionid="aaaaaaaaaaaa\\000bbbb"'})
    assert answer.status_code == 400


@pytest.mark.parametrize("version", ["\x00", "a\nb", "2"])
def test_the_schema_has_one_version_whatever_is_asked_for(version, client, db):
    answer = client.get("/api/v1/schema", {"version": version})
    assert answer["Content-Disposition"] == client.get("/api/v1/schema")["Content-Disposition"]


NO_MOMENTS = ["", "abc", "nan", "\x00", "2026-13-45", "2026-11-23T10:00"]
NO_MOMENTS += ["0001-01-01T00:00:00+14:00", "9999-12-31T23:00:00-14:00"]


@pytest.mark.parametrize("place", NO_MOMENTS)
@pytest.mark.parametrize("url", ["/api/v1/studies", "/api/v1/reviews", "/api/v1/models"])
def test_a_made_up_cursor_leads_nowhere(url, place, user_of, api_of):
    cursor = b64encode(urlencode({"p": place}).encode()).decode()
    answer = api_of(user_of(Role.ADMINISTRATOR)).get(url, {"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
