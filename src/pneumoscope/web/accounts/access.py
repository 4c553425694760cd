"""One gate for pages and API: anonymous → sign in (or 401), wrong role → 403.

The gate asks for the right at any of the person's sites. Which objects it reaches is asked of the
query: `visible_to(user, right)`; what belongs to no object, of `user.has_right(right, site_id)`.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from pneumoscope.web.accounts import lock
from pneumoscope.web.accounts.roles import Right

View = Callable[..., HttpResponseBase]


def require_right(right: Right) -> Callable[[View], View]:
    """Decorate a page: anonymous visitors go to the login page, the wrong role sees 403."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                if request.htmx:
                    return lock.refusal(request, "ended")
                return redirect_to_login(request.get_full_path())
            if not request.user.has_right(right):
                raise PermissionDenied
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def right_required(right: Right, *, to_write: Right | None = None) -> type[BasePermission]:
    """The same gate for an API view; `to_write` for the methods that change something."""

    class RightPermission(BasePermission):
        message = "Your role does not allow this."

        def has_permission(self, request: Request, view: Any) -> bool:  # noqa: ARG002
            writes = request.method not in {"GET", "HEAD", "OPTIONS"}
            needed = to_write if writes and to_write else right
            return request.user.is_authenticated and request.user.has_right(needed)

    return RightPermission
