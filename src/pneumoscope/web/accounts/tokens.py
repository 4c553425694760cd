"""API tokens: django-rest-knox keeps their hashes and their end."""

import knox.auth
from rest_framework.exceptions import AuthenticationFailed


class TokenAuthentication(knox.auth.TokenAuthentication):
    """Knox's, but for tokens that are no text at all, which it answers with a server error."""

    def authenticate_credentials(self, token: bytes) -> tuple[object, object]:
        try:
            return super().authenticate_credentials(token)
        except UnicodeDecodeError:
            raise AuthenticationFailed("Invalid token.") from None
