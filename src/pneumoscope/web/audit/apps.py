from typing import Any

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed


class AuditConfig(AppConfig):
    name = "pneumoscope.web.audit"
    label = "audit"

    def ready(self) -> None:
        """Django tells of sign-ins by signals alone."""
        user_logged_in.connect(_note, dispatch_uid="user.login")
        user_logged_out.connect(_note, dispatch_uid="user.logout")
        user_login_failed.connect(_note, dispatch_uid="user.login_failed")


def _note(*, signal: Any, request: Any = None, user: Any = None, **_: Any) -> None:
    """Without the name that was typed at a failed attempt: it may be a password."""
    from pneumoscope.web.audit.services import event_record

    actions = {
        id(user_logged_in): "user.login",
        id(user_logged_out): "user.logout",
        id(user_login_failed): "user.login_failed",
    }
    event_record(action=actions[id(signal)], actor=user, target=user, request=request)
