"""What people say: reviews of one analysis, and the report of a study."""

from pneumoscope.web.reviews.models.readings import Kind, Reading, Review
from pneumoscope.web.reviews.models.reports import Addendum, Report

__all__ = ["Addendum", "Kind", "Reading", "Report", "Review"]
