"""What must be there before the first page: tables, a site, a model, a person, something to see."""

import secrets
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import transaction

import pneumoscope
from pneumoscope.core.bundle import bundle_find
from pneumoscope.core.card import read_card
from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.accounts.roles import Role
from pneumoscope.web.people.services import person_create
from pneumoscope.web.registry.models import ModelVersion, Stage, bundle_folder
from pneumoscope.web.registry.services import bundle_register
from pneumoscope.web.studies.models import Source
from pneumoscope.web.studies.services import study_receive

SAMPLES = Path(pneumoscope.__file__).parents[2] / "samples"
SAMPLE_SUFFIXES = {".jpg", ".dcm"}
# Of libraries whose pages and scripts are not used here.
UNSERVED_STATIC = ["rest_framework", "django_htmx"]

Say = Callable[[str], None]


def bootstrap(say: Say) -> None:
    """Bring the installation up to date; harmless to repeat. Raises BundleError subclasses."""
    call_command("migrate", verbosity=0, interactive=False)
    model_install(say)
    first = first_administrator(say)
    if first:
        samples_receive(first, say)
    static_collect()


def model_install(say: Say) -> None:
    """Register the configured bundle; what is live stays live until a person changes it."""
    folder = bundle_find(settings.PNEUMOSCOPE_MODEL)
    card, content_hash = read_card(folder)
    known = ModelVersion.objects.filter(bundle_hash=content_hash).first()
    if known is None or not bundle_folder(content_hash).is_dir():
        known = bundle_register(folder=folder, actor=None)
        say(f"Model {card.name} {card.version} registered ({known.stage}).")
    if known.stage == Stage.CANDIDATE:
        say(
            f"Model {known.name} {known.version} came with this version and is not live yet: "
            f"python -m pneumoscope.web model_promote {known.bundle_hash[:12]} --reason …"
        )


def first_administrator(say: Say) -> User | None:
    """A site and its administrator, when there is nobody yet; the password is said once."""
    if User.objects.exists():
        return None
    password = secrets.token_urlsafe(12)
    with transaction.atomic():
        site, _ = Site.objects.get_or_create(code="main", defaults={"name": "Main site"})
        administrator = person_create(
            acting_user=None,
            username="admin",
            site=site,
            role=Role.ADMINISTRATOR,
            password=password,
        )
    say(f"First administrator: user “admin”, password “{password}” – shown only this once.")
    return administrator


def samples_receive(actor: User, say: Say) -> None:
    """The repository's sample radiographs, where there is a repository."""
    files = sorted(path for path in SAMPLES.glob("*") if path.suffix in SAMPLE_SUFFIXES)
    for path in files:
        study_receive(
            data=path.read_bytes(),
            source_name=path.name,
            source=Source.SAMPLE,
            actor=actor,
            site=actor.site,
        )
    if files:
        say(f"{len(files)} sample radiographs received.")


def static_collect() -> None:
    """Collect, hash and compress the static files, when any has changed since the last time."""
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    now = _static_fingerprint()
    if stamp.is_file() and stamp.read_text() == now:
        return
    call_command(
        "collectstatic",
        verbosity=0,
        interactive=False,
        clear=True,
        ignore_patterns=UNSERVED_STATIC,
    )
    stamp.write_text(now)


def _static_fingerprint() -> str:
    lines = []
    for finder in get_finders():
        for name, storage in finder.list(UNSERVED_STATIC):
            stat = Path(storage.path(name)).stat()
            lines.append(f"{name} {stat.st_size} {stat.st_mtime_ns}")
    return "\n".join(sorted(lines))
