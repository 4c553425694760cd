"""`/api/v1/models`: which models speak here."""

from typing import Any

from rest_framework import serializers
from rest_framework.generics import ListAPIView

from pneumoscope.web.accounts.access import right_required
from pneumoscope.web.registry.models import ModelVersion


class ModelVersionSerializer(serializers.ModelSerializer[ModelVersion]):
    hash = serializers.CharField(source="bundle_hash")
    card = serializers.DictField(help_text="card.json of the bundle")

    class Meta:
        model = ModelVersion
        fields = ["name", "version", "hash", "task", "stage", "created", "card"]


class ModelsView(ListAPIView[ModelVersion]):
    """Registered model versions, newest first."""

    permission_classes = [right_required("model.view")]
    serializer_class = ModelVersionSerializer

    def get_queryset(self) -> Any:
        return ModelVersion.objects.visible_to(self.request.user)
