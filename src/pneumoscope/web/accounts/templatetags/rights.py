from typing import Any

from django import template
from django.conf import settings

from pneumoscope.web.accounts.roles import Right

register = template.Library()


@register.filter
def may(user: Any, right: Right) -> bool:
    """Whether to show the way to something: at any of the person's sites."""
    return bool(user.is_authenticated and user.has_right(right))


@register.simple_tag
def lock_seconds() -> int:
    """After how long without a touch the page locks."""
    return int(settings.PNEUMOSCOPE_LOCK_SECONDS)


@register.simple_tag
def sign_on_name() -> str:
    """The single sign-on's name on its button; empty where there is none."""
    offered = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    return str(settings.PNEUMOSCOPE_OIDC_NAME) if offered else ""
