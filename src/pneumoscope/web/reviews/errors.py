"""Why a review or a report was not taken: always somebody else was there first, or it is closed."""

from pneumoscope.core.errors import PneumoscopeError


class ReviewChanged(PneumoscopeError):
    """What the form was written on is no longer what stands."""

    code = "review_changed"
    remedy = "Look at what stands now; then save again if you still want to."


class ReadingClosed(PneumoscopeError):
    """No review of this kind is taken in this state."""

    code = "reading_closed"
    remedy = "A senior reader may change an adjudication; nobody else."


class NotIndependent(PneumoscopeError):
    """Who read the image does not decide between its readers."""

    code = "not_independent"
    remedy = "Ask another senior reader to decide."


class ReportChanged(PneumoscopeError):
    """Somebody saved the draft after this page was opened."""

    code = "report_changed"
    remedy = "Open the report again; your words are still in the fields of this page to copy."


class ReportSigned(PneumoscopeError):
    """A signed report is not written over."""

    code = "report_signed"
    remedy = "Open the report and write an addendum."


class ReportNotSigned(PneumoscopeError):
    """There is no signed report to add to."""

    code = "report_not_signed"
    remedy = "Write into the draft, then sign it."
