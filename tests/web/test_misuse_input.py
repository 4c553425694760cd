"""Values that no form offers: each is refused or finds nothing, and none is a failure here."""

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
