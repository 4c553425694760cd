"""Of a source image's header, what objects made from it copy or refer to.

Patient and study are copied as they came, in the source's character set, so that an archive files
the new objects where the image already is.
"""

import re
from copy import deepcopy

from pydicom.config import RAISE
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pydicom.valuerep import validate_value

from pneumoscope.core.decode_guard import parser_warnings
from pneumoscope.core.errors import PneumoscopeError

# Patient (PS3.3 C.7.1.1), General Study (C.7.2.1) and Patient Study (C.7.2.2) modules.
TYPE_2 = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber"),
)
OPTIONAL = (
    *("IssuerOfPatientID", "IssuerOfPatientIDQualifiersSequence", "OtherPatientIDsSequence"),
    *("PatientBirthTime", "OtherPatientNames", "EthnicGroup", "PatientComments"),
    *("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"),
    *("IssuerOfAccessionNumberSequence", "StudyDescription", "ProcedureCodeSequence"),
    *("ReferencedStudySequence", "PatientAge", "PatientSize", "PatientWeight"),
    *("AdmissionID", "IssuerOfAdmissionIDSequence", "TimezoneOffsetFromUTC"),
    *("LongitudinalTemporalInformationModified",),
)
# Of the image itself: what a reference to it, and the drawing on it, need.
REFERENCE = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
IMAGE = (
    *("Rows", "Columns", "Modality", "Laterality", "PatientOrientation", "BodyPartExamined"),
    *("ImagerPixelSpacing",),
    *("BurnedInAnnotation", "LossyImageCompression", "PhotometricInterpretation"),
    *("LossyImageCompressionRatio", "LossyImageCompressionMethod"),
    *("ModalityLUTSequence", "RescaleIntercept", "RescaleSlope", "RescaleType"),
    *("VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction"),
)


class SourceIncomplete(PneumoscopeError):
    """The source image cannot be referred to from a DICOM object."""

    code = "source_incomplete"
    remedy = "Only results of DICOM images with study, series and instance UIDs can be sent back."


def source_header(image: Dataset) -> Dataset:
    """Of an image's header, what new objects copy or refer to; type 2 attributes always exist.

    A value that its VR does not allow is left empty: archives refuse objects that carry it.
    Raises SourceIncomplete without the UIDs or the size that a reference needs, or where the SOP
    class is private or retired: no archive would know what is referred to.
    """
    source = Dataset()
    with parser_warnings.ignored():
        for keyword in ("SpecificCharacterSet", *TYPE_2, *OPTIONAL, *REFERENCE, *IMAGE):
            if keyword in image and _is_valid(image, keyword):
                source[keyword] = deepcopy(image[keyword])
            elif keyword in TYPE_2:
                source.add_new(keyword, dictionary_VR(keyword), None)
    if missing := [name for name in (*REFERENCE, "Rows", "Columns") if not source.get(name)]:
        raise SourceIncomplete(f"The source image has no valid {', '.join(missing)}.")
    sop_class = UID(source.SOPClassUID)
    if "Image Storage" not in sop_class.name or sop_class.is_retired:
        raise SourceIncomplete(f"{sop_class} is no image class in use (PS3.4 B.5).")
    return source


def patient_and_study_copy(source: Dataset, dataset: Dataset) -> None:
    """Put patient and study of a source header into an object, and nothing else of the kind."""
    for keyword in ("SpecificCharacterSet", *TYPE_2, *OPTIONAL):
        dataset.pop(keyword, None)
        if keyword in source:
            dataset[keyword] = deepcopy(source[keyword])


def _is_valid(image: Dataset, keyword: str) -> bool:
    """Whether the value is one that its VR allows (PS3.5 section 6.2)."""
    try:
        element = image[keyword]
        values = element.value if element.VM > 1 else [element.value]
        for value in values if element.VR != "SQ" else ():
            if isinstance(value, str):
                validate_value(element.VR, value, validation_mode=RAISE)
    except Exception:  # noqa: BLE001 - whatever a broken value raises, it is not copied
        return False
    if keyword == "TimezoneOffsetFromUTC":  # PS3.3 C.12.1.1.8
        return re.fullmatch(r"[+-](0\d|1[0-4])[0-5]\d", str(element.value)) is not None
    return keyword != "PatientSex" or element.value in ("M", "F", "O", "", None)
