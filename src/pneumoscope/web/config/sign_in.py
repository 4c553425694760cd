"""Settings of sign-in, lockout and second factors that no installation changes."""

from datetime import timedelta
from typing import Any

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]

# Sign-in: no self sign-up and no e-mail; people come by invitation (web/people).
ACCOUNT_ADAPTER = "pneumoscope.web.accounts.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
# Guessing passwords is for axes, which has the words for it; these are for guessing codes.
ACCOUNT_RATE_LIMITS = {"login_failed": "60/m/ip,20/5m/key"}
MFA_ADAPTER = "pneumoscope.web.accounts.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_TOTP_ISSUER = "Pneumoscope"

# Five wrong passwords for one name from one address close both together for a while.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True  # the audit trail is the log
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
AXES_USERNAME_CALLABLE = "pneumoscope.web.accounts.lockout.name_hidden"
AXES_CLIENT_IP_CALLABLE = "pneumoscope.web.accounts.address.client_address"
AXES_LOCKOUT_CALLABLE = "pneumoscope.web.accounts.lockout.locked_out"
AXES_SENSITIVE_PARAMETERS = ["login", "username", "password", "ip_address", "csrfmiddlewaretoken"]

SOCIALACCOUNT_ADAPTER = "pneumoscope.web.accounts.adapters.SingleSignOnAdapter"


def oidc_provider(*, name: str, issuer: str, client_id: str, secret: str) -> dict[str, Any]:
    """django-allauth's SOCIALACCOUNT_PROVIDERS: the one provider, none without an issuer."""
    app = {
        "provider_id": "sso",
        "name": name,
        "client_id": client_id,
        "secret": secret,
        "settings": {"server_url": issuer},
    }
    apps = [app] if issuer else []
    return {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": apps}}
