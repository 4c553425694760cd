"""The words by which studies are found."""

from collections.abc import Iterable

from django.db import models

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.studies.search_words import LONGEST, words_of


class SearchWord(models.Model):
    """Of a study's patient, accession and UID (`of_patient`), or of its files' names.

    Study and Image write theirs when they are saved. The same word may be there twice.
    """

    study = models.ForeignKey("Study", on_delete=models.CASCADE, related_name="search_words")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", db_index=False)
    of_patient = models.BooleanField()
    word = models.BinaryField(max_length=LONGEST)

    class Meta:
        indexes = [
            models.Index(fields=["site", "word", "of_patient", "study"]),
        ]

    def __str__(self) -> str:
        return bytes(self.word).decode(errors="replace")

    @classmethod
    def made_of(
        cls, texts: Iterable[str], *, study: models.Model, of_patient: bool
    ) -> list["SearchWord"]:
        """Not yet in the database."""
        words = {word for text in texts if text for word in words_of(text)}
        return [
            cls(study=study, site_id=study.site_id, of_patient=of_patient, word=word)
            for word in sorted(words)
        ]
