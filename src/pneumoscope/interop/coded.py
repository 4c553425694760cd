"""Our codes, and our program as observer and algorithm, as highdicom wants them."""

from highdicom import AlgorithmIdentificationSequence
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    DeviceObserverIdentifyingAttributes,
    ObserverContext,
)

from pneumoscope.interop import codes
from pneumoscope.interop.finding import MANUFACTURER, Finding, ascii_text
from pneumoscope.interop.uids import derived_uid

_DEVICE = CodedConcept("121007", "DCM", "Device")


def concept(code: codes.Code) -> CodedConcept:
    """A code of ours as highdicom wants it."""
    return CodedConcept(code.value, code.designator, code.display)


def zone_and_side(zone: str) -> tuple[CodedConcept, CodedConcept]:
    """The anatomy and the laterality of a `core.explain.ZONES` name."""
    side, _, height = zone.partition(" ")
    return concept(codes.LUNG_ZONES[height]), concept(codes.SIDES[side])


def device_observer(finding: Finding) -> ObserverContext:
    """TID 1004: the observer is the program with this model; no person has looked."""
    model = finding.analysis.model
    device = DeviceObserverIdentifyingAttributes(
        uid=derived_uid("model", model.hash),
        name=MANUFACTURER,
        manufacturer_name=MANUFACTURER,
        model_name=ascii_text(model.name),
        serial_number=model.hash,
    )
    return ObserverContext(_DEVICE, device)


def algorithm_in_report(finding: Finding) -> AlgorithmIdentification:
    """TID 4019."""
    model = finding.analysis.model
    return AlgorithmIdentification(
        ascii_text(model.name),
        ascii_text(model.version),
        _parameters(finding),
        manufacturer=MANUFACTURER,
    )


def algorithm_of_segment(finding: Finding) -> AlgorithmIdentificationSequence:
    """PS3.3 table 10-19."""
    model = finding.analysis.model
    return AlgorithmIdentificationSequence(
        name=ascii_text(model.name),
        family=concept(codes.ARTIFICIAL_INTELLIGENCE),
        version=ascii_text(model.version),
        source=MANUFACTURER,
        parameters={"bundle_sha256": model.hash},
    )


def _parameters(finding: Finding) -> list[str]:
    parameters = [f"bundle_sha256={finding.analysis.model.hash}"]
    if prediction := finding.analysis.prediction:
        name = ascii_text(finding.operating_point)
        parameters.append(f"operating_point={name}; threshold={prediction.threshold:.6f}")
    return parameters
