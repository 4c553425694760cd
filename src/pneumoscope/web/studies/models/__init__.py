"""Study 1—N Image 1—N Analysis, and what is kept beside them."""

from pneumoscope.web.studies.models.analyses import Analysis, array_pack
from pneumoscope.web.studies.models.bookkeeping import KeptAnswer, SavedView, Worker
from pneumoscope.web.studies.models.descriptions import Description
from pneumoscope.web.studies.models.embeddings import Embedding
from pneumoscope.web.studies.models.images import Image
from pneumoscope.web.studies.models.impressions import Finding, Impression
from pneumoscope.web.studies.models.search import SearchWord
from pneumoscope.web.studies.models.studies import SiteQuerySet, Source, Study, Urgency
from pneumoscope.web.studies.models.uploads import Upload, UploadPart

__all__ = [
    "Analysis",
    "Description",
    "Embedding",
    "Finding",
    "Image",
    "Impression",
    "KeptAnswer",
    "SavedView",
    "SearchWord",
    "SiteQuerySet",
    "Source",
    "Study",
    "Upload",
    "UploadPart",
    "Urgency",
    "Worker",
    "array_pack",
]
