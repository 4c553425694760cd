"""Where a form leads when it is done."""

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def way_back(request: HttpRequest) -> str:
    """`next`, if it is a path of ours, else the worklist."""
    wanted = request.POST.get("next", "/")
    # Without the slash Django would take it for the name of a page.
    safe = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, None)
    return wanted if safe else "/"
