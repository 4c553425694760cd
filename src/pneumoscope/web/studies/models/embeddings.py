"""What a result was like to the network, for likeness between cases."""

import numpy as np
from django.db import models
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThan

from pneumoscope.core.types import FloatImage
from pneumoscope.web.studies.models.analyses import Analysis

_TYPE = np.dtype("<f2")


class Embedding(models.Model):
    """The features of one result and so of one model, from the same forward pass.

    packed: float16 [d], little endian, of unit length, so that a product of two is their cosine. In
    a table of its own because only likeness reads it.
    """

    analysis = models.OneToOneField(
        Analysis, on_delete=models.CASCADE, primary_key=True, related_name="embedding"
    )
    packed = models.BinaryField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=GreaterThan(Length("packed"), 0), name="embedding_not_empty"
            )
        ]

    def __str__(self) -> str:
        return str(self.analysis_id)


def embedding_pack(embedding: FloatImage | None) -> bytes | None:
    """float32 [d] → `packed`; None for none, and for one without a direction."""
    if embedding is None:
        return None
    length = float(np.linalg.norm(embedding))
    if not np.isfinite(length) or length == 0:
        return None
    return (embedding / length).astype(_TYPE).tobytes()


def embeddings_unpack(rows: list[bytes]) -> FloatImage:
    """`packed` of one model → float32 [n, d]."""
    values = np.frombuffer(b"".join(bytes(row) for row in rows), _TYPE)
    return values.astype(np.float32).reshape(len(rows), -1)
