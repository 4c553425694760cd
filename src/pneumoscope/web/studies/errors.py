"""What can go wrong around an analysis, beside the file and the bundle."""

from pneumoscope.core.errors import BundleError, PneumoscopeError


class AnalysisInterrupted(PneumoscopeError):
    """The worker died or failed while analysing, again and again."""

    code = "analysis_interrupted"
    remedy = "Send the file again; if it fails again, look into the worker's log."


class UploadDamaged(PneumoscopeError):
    """What arrived has another hash than what was announced."""

    code = "upload_damaged"
    remedy = "The file changed on its way, or while it was read: send it again."


class NoRoom(PneumoscopeError):
    """The disk that holds the radiographs is full."""

    code = "no_room"
    remedy = "Free space on the server's disk, then send the file again. What is here is safe."


class DescriptionUnreadable(PneumoscopeError):
    """What was typed of the patient is not what can be kept."""

    code = "patient_details"
    remedy = "Correct the patient's details beside the upload, then send the file again."


class TooMuchUnfinished(PneumoscopeError):
    """More begun uploads than are kept for one person."""

    code = "too_much_unfinished"
    remedy = "Finish or cancel what was begun, on the upload page, then send the file again."


def is_ours(code: str) -> bool:
    """Whether a failure was the system's and not the file's: sending the file again may help."""
    ours = {AnalysisInterrupted.code, BundleError.code}
    return code in ours | {error.code for error in _descendants(BundleError)}


def _descendants(error: type[PneumoscopeError]) -> list[type[PneumoscopeError]]:
    children = error.__subclasses__()
    return children + [grandchild for child in children for grandchild in _descendants(child)]
