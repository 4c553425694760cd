"""Django and its sign-in libraries tell of sign-ins, passwords and factors by signals alone."""

from typing import Any

from allauth.account.signals import password_changed
from allauth.mfa.signals import authenticator_added, authenticator_removed, authenticator_reset
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed

from pneumoscope.web.audit.services import event_record

ACTIONS = {
    user_logged_in: "user.login",
    user_logged_out: "user.logout",
    user_login_failed: "user.login_failed",
    user_locked_out: "user.locked_out",
    password_changed: "user.password_change",
    authenticator_added: "user.factor_add",
    authenticator_removed: "user.factor_remove",
    authenticator_reset: "user.factor_reset",
}


def signals_connect() -> None:
    for signal, action in ACTIONS.items():
        signal.connect(_note, dispatch_uid=action)


def _note(*, signal: Any, request: Any = None, user: Any = None, **_: Any) -> None:
    """Without the name that was typed at a failed attempt: it may be a password."""
    event_record(action=ACTIONS[signal], actor=user, target=user, request=request)
