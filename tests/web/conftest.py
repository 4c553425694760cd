"""A site with people of every role, another site, a registered model, and radiographs made here."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import translation
from PIL import Image as Picture
from rest_framework.test import APIClient

from pneumoscope.core.bundle import bundle_find
from pneumoscope.web.accounts.models import Site, User
from pneumoscope.web.accounts.roles import Role, Scope
from pneumoscope.web.audit.triggers import triggers_create, triggers_drop
from pneumoscope.web.config.celery import app
from pneumoscope.web.people.services import person_create, token_create
from pneumoscope.web.registry.models import ModelVersion
from pneumoscope.web.registry.services import bundle_register


@pytest.fixture(scope="session")
def django_db_modify_db_settings(tmp_path_factory):
    """A file, not memory: threads and the write-ahead log behave as they do in production."""
    if "sqlite3" in django_settings.DATABASES["default"]["ENGINE"]:
        name = tmp_path_factory.mktemp("database") / "test.sqlite3"
        connection.settings_dict["TEST"]["NAME"] = str(name)


@pytest.fixture(scope="session")
def shared_home(tmp_path_factory) -> Path:
    """Holds the copy of the model, which is the same for all tests."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path, shared_home):
    settings.PNEUMOSCOPE_HOME = shared_home
    settings.MEDIA_ROOT = tmp_path / "files"
    # Static files come from where they are written, not from where they are collected.
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = True
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    app.conf.task_always_eager = True
    cache.clear()


@pytest.fixture(autouse=True)
def _language(settings):
    """A page leaves its language behind in the thread."""
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture(autouse=True)
def _events_can_be_flushed(request) -> Iterator[None]:
    """A test with real commits empties its tables at the end, which the events' triggers refuse."""
    marker = request.node.get_closest_marker("django_db")
    commits = marker is not None and marker.kwargs.get("transaction")
    if commits or {"live_server", "transactional_db"} & set(request.fixturenames):
        request.getfixturevalue("transactional_db")
        triggers_create(connection)
        yield
        triggers_drop(connection)
    else:
        yield


@pytest.fixture
def site(db) -> Site:
    return Site.objects.create(name="North hospital", code="north")


@pytest.fixture
def other_site(db) -> Site:
    return Site.objects.create(name="South hospital", code="south")


@pytest.fixture
def user_of(site) -> Callable[..., User]:
    """user_of("auditor"), user_of("reader", site=other_site)"""

    def make(role: str, *, site: Site = site) -> User:
        name = f"{role}-{site.code}"
        known = User.objects.filter(username=name).first()
        return known or person_create(
            acting_user=None, username=name, password="secret", role=role, site=site
        )

    return make


@pytest.fixture
def reader(user_of) -> User:
    return user_of(Role.READER)


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    def make(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return make


@pytest.fixture
def api_of() -> Callable[..., APIClient]:
    """An API client with a real token; anonymous without a user."""

    def make(user: User | None = None) -> APIClient:
        client = APIClient()
        if user is not None:
            token = token_create(
                acting_user=None, person=user, site=user.site, name="test", scope=Scope.WRITE
            )
            client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
        return client

    return make


@pytest.fixture
def model(db) -> ModelVersion:
    """The model that ships, live everywhere."""
    return bundle_register(folder=bundle_find(django_settings.PNEUMOSCOPE_MODEL), actor=None)


@pytest.fixture
def jpeg() -> Callable[..., bytes]:
    """jpeg(seed): grey noise under a soft shape, different for every seed."""

    def make(seed: int = 0, *, size: tuple[int, int] = (256, 300)) -> bytes:
        generator = np.random.default_rng(seed)
        rows, columns = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
        shape = np.exp(-4 * (rows**2 + (abs(columns) - 0.5) ** 2))
        pixels = 220 - 150 * shape + generator.normal(0, 8, size)
        buffer = io.BytesIO()
        Picture.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(buffer, "JPEG", quality=90)
        return buffer.getvalue()

    return make


SAMPLES = Path(__file__).parents[2] / "samples"


@pytest.fixture
def radiograph() -> bytes:
    """A real frontal chest radiograph, which the model reads."""
    return (SAMPLES / "normal_NORMAL2-IM-1427-0001.jpg").read_bytes()


@pytest.fixture
def dicom_radiograph() -> bytes:
    return (SAMPLES / "dicom_pneumonia.dcm").read_bytes()
