"""Lists of the API, newest first: each page names the next; no row is missed or repeated."""

import re
from datetime import UTC
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request


class Pages(CursorPagination):
    """A page holds at most 200 rows, however many were asked for."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = ("-created", "-pk")

    def get_page_size(self, request: Request) -> int:
        """Raises ValidationError for a `limit` that is no whole number from 1 on."""
        for asked in request.query_params.getlist("limit"):
            if not re.fullmatch("0*[1-9][0-9]*", asked):
                raise ValidationError({"limit": "a whole number from 1 on"})
        digits = request.query_params.get("limit", str(self.page_size)).lstrip("0")
        return min(int(digits[:9]), self.max_page_size)

    def decode_cursor(self, request: Request) -> Any:
        """Raises NotFound, as for what is no cursor, where its place is no moment."""
        cursor = super().decode_cursor(request)
        if cursor and cursor.position is not None and not _is_moment(cursor.position):
            raise NotFound(self.invalid_cursor_message)
        return cursor

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters: list[dict[str, Any]] = super().get_schema_operation_parameters(view)
        for each in parameters:
            if each["name"] == self.page_size_query_param:
                each["schema"]["minimum"] = 1
        return parameters

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """No next page is null as OpenAPI 3.1 writes it; the framework writes it as 3.0 did."""
        described = super().get_paginated_response_schema(schema)
        for link in (described["properties"]["next"], described["properties"]["previous"]):
            del link["nullable"]
            link["type"] = ["string", "null"]
        return described


def _is_moment(word: str) -> bool:
    try:
        moment = parse_datetime(word)
        return moment is not None and not is_naive(moment) and bool(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return False
