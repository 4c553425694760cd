"""Which studies are meant by what was typed, from an index of the words they are found by."""

import uuid

from django.db.models import Q, QuerySet

from pneumoscope.web.accounts.models import User
from pneumoscope.web.studies.conditions import among
from pneumoscope.web.studies.models import SearchWord, Study
from pneumoscope.web.studies.search_words import end_of, terms_of


def search(user: User, text: str) -> Q:
    """Each term begins a word of patient, accession or UID, where names may be seen, or of a file.

    Or the text is the key of a study.
    """
    try:
        key = uuid.UUID(text)
    except ValueError:
        key = None
    if key and Study.objects.filter(pk=key).exists():
        return Q(pk=key)
    terms = terms_of(text)
    found = Q() if terms else Q(pk__in=[])
    for term in terms:
        found &= among(_hits(user, term))
    return found


def _hits(user: User, term: bytes) -> QuerySet[SearchWord]:
    words = SearchWord.objects.filter(word__gte=term, word__lt=end_of(term))
    named = Q(site__in=user.sites_with("patient.reveal"))
    return words.filter(named | Q(site__in=user.sites_with("study.view"), of_patient=False))
