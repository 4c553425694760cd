"""A signed report as a DICOM object: Encapsulated PDF (PS3.3 A.45.1)."""

import hashlib

from pydicom.dataset import Dataset
from pydicom.uid import EncapsulatedPDFStorage

from pneumoscope.interop.finding import (
    Finding,
    NothingToSay,
    ascii_text,
    image_reference,
    new_object,
)

SERIES_NUMBER = 9006


def make_encapsulated_pdf(finding: Finding, pdf: bytes, *, title: str) -> Dataset:
    """pdf: the bytes of the report as signed; another report of the same finding is another object.

    Raises NothingToSay where the bytes are no PDF.
    """
    if not pdf.startswith(b"%PDF"):
        raise NothingToSay("The report's bytes are no PDF.")
    digest = hashlib.sha256(pdf).hexdigest()
    document = new_object(
        finding, "PDF", EncapsulatedPDFStorage, "DOC", SERIES_NUMBER, digest=digest
    )
    document.ConversionType = "WSD"
    document.AcquisitionDateTime = finding.moment.strftime("%Y%m%d%H%M%S")
    document.BurnedInAnnotation = "YES"  # the report names its patient
    document.SourceInstanceSequence = [image_reference(finding)]
    document.DocumentTitle = ascii_text(title)
    document.ConceptNameCodeSequence = [_report()]
    document.MIMETypeOfEncapsulatedDocument = "application/pdf"
    document.EncapsulatedDocumentLength = len(pdf)
    document.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    return finding.finish(document)


def _report() -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "18748-4", "LN"
    code.CodeMeaning = "Diagnostic imaging study"
    return code
