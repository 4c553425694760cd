"""Write docs/integration/conformance.md from the code: `python docs/conformance.py`.

tests/interop/test_conformance.py fails when the file is not what this writes.
"""

from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

import django
from pydicom.uid import (
    UID,
    Comprehensive3DSRStorage,
    EncapsulatedPDFStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)
from pynetdicom.sop_class import (
    ModalityWorklistInformationFind,
    StorageCommitmentPushModel,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
    Verification,
)

from pneumoscope.interop import modality_worklist
from pneumoscope.interop.dicom_json import EXTRA_OF_SERIES, EXTRA_OF_STUDY
from pneumoscope.interop.scp import MAX_PDU_BYTES, STORAGE_CLASSES, STORAGE_SYNTAXES, Listening
from pneumoscope.interop.storing import CannotUnderstand, OutOfResources, StoreRefused
from pneumoscope.interop.transport import LONGEST_PDU_BYTES
from pneumoscope.interop.uids import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from pneumoscope.web.config import settings_use

PATH = Path(__file__).parent / "integration" / "conformance.md"

_ASKED = (
    (Verification, "connection test"),
    (StudyRootQueryRetrieveInformationModelFind, "scheduled queries, priors"),
    (StudyRootQueryRetrieveInformationModelGet, "scheduled queries by C-GET"),
    (StudyRootQueryRetrieveInformationModelMove, "scheduled queries by C-MOVE"),
    (ModalityWorklistInformationFind, "scheduled procedure steps"),
    (StorageCommitmentPushModel, "report on an association of our own (SCP role)"),
    (Comprehensive3DSRStorage, "C-STORE of a result: report"),
    (GrayscaleSoftcopyPresentationStateStorage, "C-STORE of a result: contours"),
    (SecondaryCaptureImageStorage, "C-STORE of a result: picture"),
    (SegmentationStorage, "C-STORE of a result: masks"),
    (KeyObjectSelectionDocumentStorage, "C-STORE of a result: flag"),
    (EncapsulatedPDFStorage, "C-STORE of a signed report"),
)


def statement() -> str:
    """The whole document, in the order of PS3.2."""
    return "\n".join(
        line
        for part in (_head(), _provided(), _asked(), _statuses(), _limits(), _web(), _texts())
        for line in part
    )


def _head() -> Iterator[str]:
    yield "# DICOM conformance statement\n"
    yield "Generated from the code by `docs/conformance.py`."
    yield "Research use only – not a medical device.\n"
    yield from _table(
        ("what", "value"),
        [
            ("Implementation Class UID", f"`{IMPLEMENTATION_CLASS_UID}`"),
            ("Implementation Version Name", f"`{IMPLEMENTATION_VERSION_NAME}`"),
            ("Application context", "`1.2.840.10008.3.1.1.1`"),
            ("Asynchronous operations", "not supported"),
            ("Roles", "SCP by `pneumoscope listen`; SCU for questions and results"),
        ],
    )


def _provided() -> Iterator[str]:
    yield "## As provider (SCP)\n"
    services = [(Verification, "C-ECHO"), (StorageCommitmentPushModel, "N-ACTION")]
    rows = [(_name(each), f"`{each}`", "C-STORE") for each in STORAGE_CLASSES]
    rows += [(_name(each), f"`{each}`", service) for each, service in services]
    yield from _table(("SOP class", "UID", "service"), rows)
    yield "Any other class is refused: abstract syntax not supported.\n"
    yield "Transfer syntaxes of every storage class, in the order of preference:\n"
    yield from _table(
        ("transfer syntax", "UID"), [(_name(each), f"`{each}`") for each in STORAGE_SYNTAXES]
    )
    yield "Data sets are kept byte for byte; coercion: none. Storage level 2 (full).\n"


def _asked() -> Iterator[str]:
    yield "## As user (SCU)\n"
    rows = [(_name(each), f"`{each}`", purpose) for each, purpose in _ASKED]
    yield from _table(("SOP class", "UID", "for"), rows)
    yield "Results are sent in Explicit VR Little Endian.\n"
    yield "Query keys: StudyDate (range), PatientID at study level; Modality and BodyPartExamined"
    yield "are compared for each series. With C-GET all storage classes above are accepted.\n"
    returned = ", ".join(sorted(modality_worklist.KEYS))
    yield fill(
        "Worklist keys matched where set: ScheduledProcedureStepStartDate (range), Modality,"
        f" ScheduledStationAETitle, PatientID, AccessionNumber. Returned: {returned}.\n",
        width=100,
    )
    yield ""


def _statuses() -> Iterator[str]:
    yield "## C-STORE response status\n"
    refusals = (OutOfResources, CannotUnderstand, StoreRefused)
    rows = [("0x0000", "the file and its row are on the disk")]
    rows += [(f"0x{each.status:04X}", (each.__doc__ or "").partition("\n")[0]) for each in refusals]
    rows.append(("0xC211", "An unexpected error; the log has it."))
    yield from _table(("status", "meaning"), rows)
    yield "An instance that is here already is answered 0x0000 and kept once.\n"


def _limits() -> Iterator[str]:
    defaults = Listening("")
    yield "## Associations\n"
    yield from _table(
        ("limit", "value"),
        [
            ("Maximum PDU received", f"{MAX_PDU_BYTES:,} bytes announced"),
            ("Longest PDU read", f"{LONGEST_PDU_BYTES:,} bytes"),
            ("Instance", f"{defaults.max_instance_bytes:,} bytes by default"),
            ("Associations at once", f"{defaults.max_associations} by default"),
            ("Without an A-ASSOCIATE-RQ", f"{defaults.request_seconds:g} s, then closed (ARTIM)"),
            ("Silence", f"{defaults.idle_seconds:g} s by default, then A-ABORT"),
            ("Calling AE title", "must be a known peer, from its network; else rejected (1, 1, 3)"),
            ("Called AE title", "must be ours unless set otherwise; else rejected (1, 1, 7)"),
            ("TLS", "1.2 or newer, by setting; client certificates by setting"),
        ],
    )


def _web() -> Iterator[str]:
    settings_use()
    django.setup()
    from pneumoscope.web.gateway.dicomweb_query import MATCHED, MOST
    from pneumoscope.web.gateway.dicomweb_urls import urlpatterns

    yield "## DICOMweb (PS3.18), under /dicomweb\n"
    rows = []
    for pattern in urlpatterns:
        view = pattern.callback.view_class
        methods = [name.upper() for name in ("get", "post") if hasattr(view, name)]
        route = str(pattern.pattern)
        for kind in ("uid", "str"):
            route = route.replace(f"<{kind}:", "{").replace(">", "}")
        rows.append((f"`/{route}`", ", ".join(methods), _service(route, methods)))
    yield from _table(("address", "methods", "service"), rows)
    yield "Instances and frames are given out in the transfer syntax in which they came.\n"
    yield fill(
        f"Searches match {', '.join(MATCHED)}; wildcards, ranges of dates and times, lists of UIDs"
        " as in PS3.4 C.2.2.2. With fuzzymatching the words of a name match the beginnings of its"
        f" parts in any order. At most {MOST} results at once; a Warning says that there may be"
        " more, or that a parameter was ignored.",
        width=100,
    )
    yield ""
    yield fill(
        "Answers state, where the headers do, the attributes of tables 10.6.3-3 to -5 and "
        f"{', '.join((*EXTRA_OF_STUDY, *EXTRA_OF_SERIES))}; includefield adds no others.",
        width=100,
    )
    yield ""


def _service(route: str, methods: list[str]) -> str:
    words = "STOW-RS, " if "POST" in methods else ""
    searched = route.split("/")[-1] in {"studies", "series", "instances"}
    return f"{words}{'QIDO-RS' if searched else 'WADO-RS'}"


def _texts() -> Iterator[str]:
    yield "## Character sets\n"
    yield "All of PS3.3 C.12.1.1.2 that pydicom reads; DICOMweb answers in UTF-8 (ISO_IR 192).\n"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def _name(uid: str) -> str:
    return UID(uid).name


if __name__ == "__main__":
    PATH.write_text(statement(), encoding="utf-8")
