"""What an installed web app needs: everybody may have it, and it holds nothing of anybody."""

import re
from pathlib import Path

import pytest
from django.test import Client

from pneumoscope.web.config.installed import GROUND, ICONS, KEPT, PANEL

pytestmark = pytest.mark.django_db
STATIC = Path(__file__).parents[3] / "src/pneumoscope/web/static/pneumoscope"
ADDRESSES = ["/manifest.webmanifest", "/service-worker.js", "/offline/"]


def test_the_manifest_names_icons_that_are_there_and_the_colours_of_the_pages():
    answer = Client().get("/manifest.webmanifest")
    assert answer["Content-Type"] == "application/manifest+json"
    manifest = answer.json()
    assert (manifest["name"], manifest["start_url"], manifest["scope"]) == ("Pneumoscope", "/", "/")
    assert manifest["display"] == "standalone"
    for icon in manifest["icons"]:
        data = (STATIC / Path(icon["src"]).name).read_bytes()
        size = int.from_bytes(data[16:20]), int.from_bytes(data[20:24])  # PNG: IHDR
        assert icon["sizes"] == "{}x{}".format(*size)
    assert {icon["purpose"] for icon in ICONS.values()} == {"any", "maskable"}
    tokens = (STATIC / "tokens.css").read_text()
    assert re.search(r"--ground: light-dark\(\S+, (\S+)\);", tokens)[1] == GROUND
    assert re.search(r"--panel: light-dark\(\S+, (\S+)\);", tokens)[1] == PANEL


def test_the_offline_page_asks_for_nothing_that_is_not_kept():
    page = Client().get("/offline/").content.decode()
    asked = set(re.findall(r"/static/pneumoscope/([\w.-]+)", page))
    # A page never installed shows no icon of an app.
    assert asked - {"app-192.png"} == set(KEPT)


def test_the_worker_keeps_what_is_listed_and_is_asked_for_anew_each_time():
    answer = Client().get("/service-worker.js")
    assert answer["Content-Type"].startswith("text/javascript")
    assert "no-store" in answer["Cache-Control"]
    for name in KEPT:
        assert f'"/static/pneumoscope/{name}"' in answer.content.decode()


@pytest.mark.parametrize("address", ADDRESSES)
def test_nothing_of_a_person_is_in_it_and_a_lock_does_not_matter(address, reader, client_of):
    client = client_of(reader)
    client.get("/")
    open_, stranger = client.get(address), Client().get(address)
    assert reader.username not in open_.content.decode()
    assert open_.content == stranger.content
    client.post("/session/lock/")
    assert client.get(address).content == stranger.content
    assert client.post(address).status_code == 405
