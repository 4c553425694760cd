import pytest
from django.db import IntegrityError, transaction

from pneumoscope.web.accounts.models import User
from pneumoscope.web.accounts.roles import RIGHTS, Role, rights_of

pytestmark = pytest.mark.django_db


def test_every_role_has_rights_that_exist():
    for role in Role.values:
        assert rights_of(role)
        assert rights_of(role) <= RIGHTS


def test_only_administrators_manage_people():
    assert [role for role in Role.values if "people.manage" in rights_of(role)] == ["administrator"]


def test_an_unknown_role_may_nothing():
    assert rights_of("janitor") == frozenset()


def test_the_database_refuses_an_unknown_role(reader):
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.filter(pk=reader.pk).update(role="janitor")


def test_a_person_who_left_has_no_rights(reader):
    assert reader.has_right("study.view")
    reader.is_active = False
    assert not reader.has_right("study.view")


def test_people_are_of_one_site():
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("nobody", password="x")
