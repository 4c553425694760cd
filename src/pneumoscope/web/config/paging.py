"""Lists of the API: `limit` and `offset`."""

from rest_framework.pagination import LimitOffsetPagination


class Pages(LimitOffsetPagination):
    """A page holds at most 200 rows, however many were asked for."""

    default_limit = 50
    max_limit = 200
