"""Lists of the API, newest first: each page names the next; no row is missed or repeated."""

from rest_framework.pagination import CursorPagination


class Pages(CursorPagination):
    """A page holds at most 200 rows, however many were asked for."""

    page_size = 50
    page_size_query_param = "limit"
    max_page_size = 200
    ordering = ("-created", "-pk")
