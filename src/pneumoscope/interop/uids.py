"""UIDs that follow from what they name, so that making an object again never makes a second one.

The root 2.25 takes any UUID as a decimal number (PS3.5 B.2); no registration is needed.
"""

import uuid

from pydicom.uid import UID

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:pneumoscope:dicom")
# This software, in the file meta of everything it writes (PS3.7 D.3.3.2).
IMPLEMENTATION_CLASS_UID = UID(f"2.25.{_NAMESPACE.int}")
IMPLEMENTATION_VERSION_NAME = "PNEUMOSCOPE"


def derived_uid(*parts: str) -> UID:
    """The UID of what `parts` name together: the same parts, the same UID (UUID version 5)."""
    # Length first: ("a", "bc") and ("ab", "c") name different things.
    name = "".join(f"{len(part)}:{part}" for part in parts)
    return UID(f"2.25.{uuid.uuid5(_NAMESPACE, name).int}")
