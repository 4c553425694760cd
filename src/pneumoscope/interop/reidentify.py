"""The way back from `deidentify`, inside: what was made of a copy becomes the original patient's.

A copy may be analysed where names must not go. Whoever has the originals and the kept secret turns
the originals' UIDs into those of their copies once more, and finds them in reports, masks and
pictures. No table of names is kept anywhere.
"""

import io

from pydicom import dcmread
from pydicom.dataset import Dataset

from pneumoscope.core.decode import MAX_BYTES
from pneumoscope.core.decode_guard import parser_faults, parser_warnings
from pneumoscope.core.dicom_file import DicomFile
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.interop.pseudonyms import Pseudonyms
from pneumoscope.interop.source import patient_and_study_copy, source_header


class NoOriginal(PneumoscopeError):
    """An object of a study of which no original is here."""

    code = "no_original"
    remedy = "Give the originals of this study, and the secret that their copies were made with."


class Originals:
    """The originals of copies, by what their UIDs became under the secret."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._uids: dict[str, str] = {}
        self._studies: dict[str, Dataset] = {}

    def add(self, data: bytes, *, max_bytes: int = MAX_BYTES) -> None:
        """Of a DICOM image its header is kept. Raises DecodeError or SourceIncomplete."""
        with parser_warnings.ignored(), parser_faults("The DICOM header"):
            header = DicomFile(data, max_bytes=max_bytes).dataset
            uids = [
                uid for each in header.iterall() if each.VR == "UI" for uid in _uids(each.value)
            ]
        source = source_header(header)
        self._uids |= {str(self._pseudonyms.uid(uid)): uid for uid in uids}
        self._studies.setdefault(self._pseudonyms.uid(source.StudyInstanceUID), source)

    def reidentify(self, data: bytes) -> bytes:
        """An object made of a copy: patient, study and references become the original's.

        Its own UIDs, pixels and words stay. Raises NoOriginal, or DecodeError for what is no DICOM.
        """
        with parser_warnings.ignored(), parser_faults("The DICOM object"):
            dataset = dcmread(io.BytesIO(data))
            dataset.decode()
        source = self._studies.get(str(dataset.get("StudyInstanceUID")))
        if source is None:
            raise NoOriginal("The object is of no study whose original is here.")
        with parser_warnings.ignored():
            for element in dataset.iterall():
                if element.VR == "UI" and element.value:
                    element.value = [self._uids.get(uid, uid) for uid in _uids(element.value)]
            patient_and_study_copy(source, dataset)
            buffer = io.BytesIO()
            dataset.save_as(buffer, enforce_file_format=True)
        return buffer.getvalue()


def _uids(value: object) -> list[str]:
    """Of one value, several, or none."""
    if not value:
        return []
    return [value] if isinstance(value, str) else [str(each) for each in value]  # type: ignore[attr-defined]
