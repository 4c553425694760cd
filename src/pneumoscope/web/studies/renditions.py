"""JPEGs for the browser, made once by the worker.

Beside it only `pixels` decodes a file in a web process, and only one that a worker has decoded.
"""

import io

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from pneumoscope.core.render import render_radiograph
from pneumoscope.core.types import Radiograph

RENDERED_SIDE = 2560
# A page of the worklist has 50 of them, 48 pixels wide: twice that is sharp on a fine screen too.
THUMBNAIL_SIDE = 96


def renditions_store(sha256: str, radiograph: Radiograph) -> dict[str, str]:
    """Store the radiograph and its thumbnail as 8-bit JPEG; returns the fields' values."""
    rendered = render_radiograph(radiograph, max_side=RENDERED_SIDE)
    thumbnail = rendered.copy()
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS, reducing_gap=3)
    folder = f"renditions/{sha256[:2]}/{sha256}"
    return {
        "rendered": _store(f"{folder}.jpg", rendered, quality=90),
        "thumbnail": _store(f"{folder}-thumbnail.jpg", thumbnail, quality=80),
    }


def _store(name: str, picture: Image.Image, *, quality: int) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return default_storage.save(name, ContentFile(buffer.getvalue()))
