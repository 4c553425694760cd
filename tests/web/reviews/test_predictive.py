"""What a call is worth where pneumonia is rarer or more frequent than in validation."""

import pytest
from django.urls import reverse

from pneumoscope.web.studies.templatetags.meaning import predictive_sentence
from web.pages import image_analysed, image_make, study_make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("probability", "prevalence", "words"),
    [
        # sensitivity 0.97, specificity 0.9: 0.0485 / (0.0485 + 0.095) and 0.855 / (0.855 + 0.0015)
        (0.91, 0.05, "about 34 of 100 patients called pneumonia have it"),
        (0.12, 0.05, "about 99 of 100 patients not called are free of it"),
        (0.91, 0.5, "about 91 of 100 patients called pneumonia have it"),
    ],
)
def test_a_call_at_the_site_s_prevalence(site, reader, client_of, probability, prevalence, words):
    site.prevalence = prevalence
    site.save()
    row = image_analysed(image_make(study_make()), probability)
    assert words in predictive_sentence(row)
    page = client_of(reader).get(reverse("studies:study", args=[row.image.study_id]))
    assert words in page.content.decode()


def test_nothing_is_said_where_site_or_card_do_not_know(site):
    row = image_analysed(image_make(study_make()))
    assert predictive_sentence(row) == ""
    site.prevalence = 0.1
    site.save()
    row.image.site = site
    row.record["operating_point"] = "gone"
    assert predictive_sentence(row) == ""
