import pytest
from django.db import IntegrityError, transaction

from pneumoscope.web.accounts.models import Membership
from pneumoscope.web.accounts.roles import RIGHTS, Role, Scope, rights_of, rights_within

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
        Membership.objects.filter(user=reader).update(role="janitor")


def test_a_person_who_left_has_no_rights(reader):
    assert reader.has_right("study.view")
    reader.is_active = False
    assert not reader.has_right("study.view")


def test_one_role_per_person_and_site(reader):
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=reader, site=reader.site, role=Role.AUDITOR)


def test_tokens_never_administer():
    for scope in Scope.values:
        assert rights_within(scope)
        assert not rights_within(scope) & {"people.manage", "site.manage", "audit.view"}
    assert rights_within("read") < rights_within("write")
    assert rights_within("everything") == frozenset()
