"""Lists of the API, newest first: each page names the next; no row is missed or repeated."""

from typing import Any

from rest_framework.pagination import CursorPagination


class Pages(CursorPagination):
    """A page holds at most 200 rows, however many were asked for."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = ("-created", "-pk")

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """No next page is null as OpenAPI 3.1 writes it; the framework writes it as 3.0 did."""
        described = super().get_paginated_response_schema(schema)
        for link in (described["properties"]["next"], described["properties"]["previous"]):
            del link["nullable"]
            link["type"] = ["string", "null"]
        return described
