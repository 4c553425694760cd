"""API tokens: django-rest-knox keeps their hashes and their end; site and scope are ours."""

from dataclasses import replace

import knox.auth
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from pneumoscope.web.accounts.models import ApiToken, User
from pneumoscope.web.accounts.roles import rights_within


class TokenAuthentication(knox.auth.TokenAuthentication):
    """Knox's; the person sits at the token's site with no more rights than the token's scope."""

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        """Raises AuthenticationFailed, also for what is no text at all."""
        try:
            user, key = super().authenticate_credentials(token)
        except UnicodeDecodeError:
            raise AuthenticationFailed("Invalid token.") from None
        seat = user.seats.get(key.site_id)
        if seat is None:
            raise AuthenticationFailed("The token's person no longer works at its site.")
        rights = seat.rights & rights_within(key.scope)
        user.seats = {key.site_id: replace(seat, rights=rights)}
        return user, key


class BearerAuthentication(TokenAuthentication):
    """Our tokens as FHIR and DICOMweb clients send them: `Authorization: Bearer …` (RFC 6750)."""

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002
        return "Bearer"


# For protocols whose clients know Bearer alone; a browser's session opens them too.
PROTOCOL_AUTHENTICATION = [BearerAuthentication, TokenAuthentication, SessionAuthentication]
