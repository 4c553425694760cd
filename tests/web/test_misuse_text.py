"""Scripts, templates and formulas in every text that people type or files and peers bring.

Each text names its field, so that the tests see which of them were shown. The pages are found by
their links, from the worklist on.
"""

import csv
import io
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.urls import reverse
from playwright.sync_api import sync_playwright

from peers import require_peer
from pneumoscope.core.types import Reason
from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.accounts.roles import Role, Scope
from pneumoscope.web.gateway.models import (
    Arrival,
    Delivery,
    Destination,
    Order,
    Peer,
    Pull,
    RoutingRule,
)
from pneumoscope.web.gateway.models.arrivals import Outcome
from pneumoscope.web.people.services import token_create
from pneumoscope.web.registry.models import ModelVersion
from pneumoscope.web.reviews.models import Report
from pneumoscope.web.reviews.reporting import SECTIONS, addendum_create, report_save
from pneumoscope.web.reviews.services import Opinion, review_create
from pneumoscope.web.studies.models import Image, SavedView, Study, Upload
from web.incoming import arrival_make, peer_make, pull_make, rule_make
from web.outgoing import outgoing_row
from web.pages import (
    image_analysed,
    image_failed,
    image_make,
    image_rejected,
    report_make,
    study_make,
)

pytestmark = pytest.mark.django_db


def evil(field: str) -> str:
    return (
        f"""=cmd {field}!"'><img src=x onerror="alert('{field}')">{{{{7*7}}}}</textarea></title>"""
    )


SHOWN = re.compile(r"""=cmd ([\w.]+)!"'><img src=x onerror="alert""")
# Names of files and objects, which no sender chooses freely.
KEPT = {"password", "code", "time_zone", "language", "operating_point", "bundle_hash", "sha256"}
KEPT |= {"study_instance_uid", "sop_class_uid", "sop_instance_uid", "series_instance_uid", "file"}
KEPT |= {"content_hash", "task", "query", "network"}
# Only what has failed has them.
KEPT |= {"failure_code", "failure_reason", "remedy"}


def poison(*rows: Any) -> None:
    """Write it into every text of the rows, past forms and validators."""
    for row in rows:
        kind = row._meta
        fields = [each for each in kind.concrete_fields if each.name not in KEPT]
        texts = [
            each.name
            for each in fields
            if each.get_internal_type() in {"CharField", "TextField"} and not each.choices
        ]
        # The key at the end: some are unique.
        values = {name: evil(f"{kind.model_name}.{name}") + str(row.pk) for name in texts}
        type(row)._base_manager.filter(pk=row.pk).update(**values)


@pytest.fixture
def administrator(user_of):
    return user_of(Role.ADMINISTRATOR)


@pytest.fixture
def study(site, reader, administrator, user_of) -> Study:
    """One of everything at the site, each with the text wherever there is room for one."""
    reason = Reason("unheard_of", evil("record.message"))
    analysis = image_analysed(image_make(study_make(patient_id="1")), reasons=(reason,))
    study = analysis.image.study
    Order.objects.create(site=site, study=study)
    opinions = {"reader": ("disagree", "normal"), "senior_reader": ("agree", "pneumonia")}
    for role, (agreement, label) in opinions.items():
        opinion = Opinion(agreement=agreement, label=label, comment=evil("review.comment"))
        review_create(acting_user=user_of(role), analysis=analysis, kind="reading", opinion=opinion)
    study.refresh_from_db()
    report_make(study)
    sections = dict.fromkeys(SECTIONS, evil("report.findings"))
    signed = study_make()
    image_analysed(image_make(signed))
    signed.refresh_from_db()
    draft = report_make(signed).revision
    report_save(acting_user=reader, study=signed, sections=sections, revision=draft, sign=True)
    addendum_create(acting_user=reader, study=signed, text=evil("addendum.text"))
    image_failed(image_make(study_make()), evil("code"), evil("reason"), evil("remedy"))
    image_rejected(image_make(study_make()), "unheard_of", evil("rejected.reason"))
    token_create(
        acting_user=None, person=administrator, site=site, name=evil("token"), scope=Scope.READ
    )
    administrator.saved_views.create(name="x")
    Upload.objects.create(user=administrator, site=site, name="x", sha256="0" * 64, length=9)
    arrival_make(outcome=Outcome.FAILED, reason="x")
    pull_make(peer=peer_make())
    rule_make()
    outgoing_row("outgoing:delivery_resend")
    for kind in POISONED:
        poison(*kind._base_manager.all())
    study.refresh_from_db()
    return study


POISONED = (Site, User, ModelVersion, Study, Image, Order, Upload, SavedView, Report)
POISONED += (Arrival, Peer, Pull, RoutingRule, Destination, Delivery)


class Reading(HTMLParser):
    """What a browser makes of a page: elements that came of the text, fields shown, links."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.made: list[str] = []
        self.links: set[str] = set()
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if any(name.startswith("on") for name in values) or values.get("src") == "x":
            self.made.append(self.get_starttag_text() or tag)
        self.words += " ".join(value for value in values.values() if value)
        self.links |= {values[name] or "" for name in ("href", "hx-get") if name in values}

    def handle_data(self, data: str) -> None:
        self.words += data


def crawl(client) -> dict[str, str]:
    """Every page that links lead to, by its path, and what is shown of a patient on request."""
    found: dict[str, str] = {}
    waiting = ["/"]
    while waiting:
        url = urlsplit(waiting.pop())
        if url.path in found or url.netloc or url.scheme or url.path.startswith("/static/"):
            continue
        answer = client.get(url.geturl(), follow=True)
        if answer.streaming or not answer["Content-Type"].startswith("text/html"):
            continue
        found[url.path] = answer.content.decode()
        waiting += [urljoin(url.path, link) for link in Reading(found[url.path]).links]
    return found


# What people see somewhere; the rest is for programs, or never shown.
FIELDS = """
addendum.text arrival.reason arrival.sender code delivery.error_text destination.ae_title
destination.character_set destination.client_id destination.host destination.name
destination.patient_id_system destination.receiving_application destination.receiving_facility
destination.scope destination.token_url destination.url image.modality image.source_name
image.view_position modelversion.name modelversion.version order.accession_number order.indication
order.procedure_text peer.ae_title peer.host pull.body_parts pull.modalities pull.name pull.problem
pull.procedure pull.station pull.url reason record.message rejected.reason remedy report.findings
report.impression report.indication report.technique review.comment routingrule.body_parts
routingrule.modalities routingrule.name routingrule.views savedview.name site.name
study.accession_number study.patient_id study.patient_name study.sex token upload.name user.email
user.first_name user.last_name user.username
"""


def test_text_stays_text_on_every_page(study, administrator, client_of):
    client = client_of(administrator)
    pages = crawl(client)
    reveal = reverse("studies:study_patient", args=[study.pk])
    pages[reveal] = client.post(reveal).content.decode()
    readings = {path: Reading(page) for path, page in pages.items()}
    assert {path: reading.made for path, reading in readings.items() if reading.made} == {}
    shown = {field for reading in readings.values() for field in SHOWN.findall(reading.words)}
    assert set(FIELDS.split()) - shown == set()


def test_no_cell_of_an_export_is_a_formula(study, administrator, client_of):
    for url in ("/worklist.csv", "/audit/events.csv"):
        lines = b"".join(client_of(administrator).get(url).streaming_content).decode()
        cells = [cell for row in csv.reader(io.StringIO(lines)) for cell in row]
        assert [cell for cell in cells if SHOWN.search(cell)]
        assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))] == []


def test_programs_get_the_text_as_it_is(study, administrator, api_of):
    answer = api_of(administrator).get(f"/api/v1/studies/{study.pk}?reveal=true")
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"
    patient = answer.json()["patient"]
    assert patient["patient_name"] == study.patient_name
    assert SHOWN.match(patient["patient_id"])


# Where scripts write into the page.
SCRIPTED = ["/", "/account/", "/reviews/", "/dashboard/", "/outgoing/deliveries/", "/upload/"]


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_no_script_of_a_text_runs_in_a_browser(study, administrator, client_of, live_server):
    """Without the content security policy: it is the second wall, and this is about the first."""
    chromium = require_peer("chromium", "apt-get install chromium")
    session = client_of(administrator).cookies["sessionid"].value
    report = reverse("reviews:report", args=[study.pk])
    said = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(chromium), args=["--no-sandbox"])
        context = browser.new_context(base_url=live_server.url, bypass_csp=True)
        context.set_default_timeout(120_000)
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.goto("/healthz")
        page.set_content(f"<p>{evil('proof')}", wait_until="networkidle")
        assert said == ["proof"]
        for address in [*SCRIPTED, report]:
            page.goto(address, wait_until="networkidle")
        page.goto(reverse("studies:study", args=[study.pk]), wait_until="networkidle")
        page.get_by_role("button", name="Show identity").click()
        page.get_by_text("study.patient_name").first.wait_for()
        page.goto("/upload/")
        file = {"name": evil("file").replace("/", ""), "mimeType": "", "buffer": b"no image"}
        page.locator("#files").set_input_files(file)
        page.locator("tr[id^=study-]", has_text="cmd file").wait_for()
        browser.close()
    assert said == ["proof"]
