"""From a finished analysis to a real archive: once, whatever ends in the middle."""

import pytest

from pneumoscope.web.gateway.models import Delivery
from web.installation import wait_until
from web.outgoing import (
    deliver_all,
    dicom_result,
    is_all_delivered,
    postman,
    to_orthanc,
)

# pynetdicom leaves the socket of a connection that failed to the garbage collector.
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def instances(orthanc):
    """SOP Instance UID → modality, of all that the archive holds."""
    found = {}
    for key in orthanc.ask("/instances"):
        tags = orthanc.ask(f"/instances/{key}/simplified-tags")
        assert tags["SOPInstanceUID"] not in found
        found[tags["SOPInstanceUID"]] = tags["Modality"]
    return found


def test_a_positive_result_arrives_in_the_images_study(site, orthanc):
    destination = to_orthanc(site, orthanc)
    analysis = dicom_result(site)
    assert deliver_all(destination) == [None] * 5
    assert sorted(instances(orthanc).values()) == ["KO", "OT", "PR", "SEG", "SR"]
    [study] = orthanc.ask("/studies")
    tags = orthanc.ask(f"/studies/{study}")["MainDicomTags"]
    assert tags["StudyInstanceUID"] == analysis.image.study.study_instance_uid


@pytest.mark.django_db(transaction=True)
def test_an_archive_killed_in_the_middle_gets_everything_once(site, orthanc, settings):
    settings.PNEUMOSCOPE_RETRY_SECONDS = 0.05
    to_orthanc(site, orthanc)
    for number in range(1, 4):
        dicom_result(site, number)
    with postman():
        wait_until(lambda: Delivery.objects.filter(stage="DELIVERED").count() >= 3)
        orthanc.kill()
        dicom_result(site, 4)
        wait_until(lambda: Delivery.objects.filter(stage="RETRY").exists())
        orthanc.start()
        wait_until(is_all_delivered)
    assert len(instances(orthanc)) == 4 * 5
    assert len(orthanc.ask("/studies")) == 4
