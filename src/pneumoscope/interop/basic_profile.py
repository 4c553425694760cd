"""The attributes of the Basic Application Level Confidentiality Profile (PS3.15 2026c table E.1-1).

`basic_profile.tsv` holds tag and action as the table has them: X remove, Z empty, D dummy value,
U new UID. Where the table leaves the choice to the type in the IOD, that of radiographs decides.
"""

from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

from pydicom.datadict import tag_for_keyword
from pydicom.tag import BaseTag

Action: TypeAlias = Literal["remove", "empty", "dummy", "uid", "look"]

_ACTIONS: dict[str, Action] = {
    "X": "remove",
    "Z": "empty",
    "D": "dummy",
    "U": "uid",
    "Z/D": "dummy",
    "X/Z": "empty",
    "X/D": "remove",
    "X/Z/D": "remove",
    "X/Z/U*": "look",  # references to images: their UIDs are replaced within
}
# Curves and overlays repeat over these groups.
_REPEATING = (0x5000, 0x6000)
PATIENT_CHARACTERISTICS = frozenset(
    tag_for_keyword(keyword)
    for keyword in (
        *("PatientSex", "PatientAge", "PatientSize", "PatientWeight", "EthnicGroup"),
        *("SmokingStatus", "PregnancyStatus", "PatientSexNeutered"),
    )
)
DESCRIPTORS = frozenset(
    tag_for_keyword(keyword)
    for keyword in (
        *("StudyDescription", "SeriesDescription", "ProtocolName", "DerivationDescription"),
        *("PerformedProcedureStepDescription", "RequestedProcedureDescription"),
        *("AcquisitionDeviceProcessingDescription", "AcquisitionProtocolDescription"),
    )
)
# A descriptor keeps these words and no others.
_WORDS = (
    "abdomen adult ap bed bedside both chest child clavicle cr cxr decubitus digital dr dx",
    "erect exam examination expiration film frontal inspiration lat lateral left lordotic",
    "lung lungs mobile neonate oblique of one pa paediatric pediatric plain portable post",
    "pre procedure radiograph radiography ribs right routine semi semi-erect semi-upright",
    "series single standard supine the thorax two upright view views with without x-ray xr",
)
SAFE_WORDS = frozenset(word for line in _WORDS for word in line.split())


def action_for(tag: BaseTag) -> Action | None:
    """What the profile does with an attribute; None where its table does not name it."""
    if tag.group & 0xFF00 in _REPEATING:
        return "remove"
    return _table().get(int(tag))


@cache
def _table() -> dict[int, Action]:
    text = files(__package__).joinpath("basic_profile.tsv").read_text(encoding="ascii")
    return {int(tag, 16): _ACTIONS[action] for tag, action in map(str.split, text.splitlines())}
