"""An OAuth 2.0 authority that gives out tokens for client credentials."""

import base64
import contextlib
import json
from urllib.parse import parse_qs

import jwt

from interop.listening import http_server

CLIENT, SECRET = "pneumo:scope", "s3cret words+ü"
PAIR = "pneumo%3Ascope:s3cret+words%2B%C3%BC"  # RFC 6749 section 2.3.1


@contextlib.contextmanager
def authority(seconds=3600, **changes):
    """Yields the HttpServer and the list of tokens given out, newest last."""
    given = []

    def respond(request):
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        asked = parse_qs(request.body.decode())
        if base64.b64decode(request.headers["authorization"].partition(" ")[2]).decode() != PAIR:
            said = {"error": "invalid_client", "error_description": "Who is that?"}
            return 401, {}, json.dumps(said).encode()
        if asked["grant_type"] != ["client_credentials"] or asked["scope"] != ["system/*.write"]:
            return 400, {}, b'{"error": "invalid_scope"}'
        given.append(f"token-{len(given) + 1}")
        answer = {"access_token": given[-1], "token_type": "Bearer", "expires_in": seconds}
        return 200, {}, json.dumps(answer | changes).encode()

    with http_server(respond) as server:
        yield server, given


@contextlib.contextmanager
def smart_authority(keys):
    """As SMART Backend Services has it: `keys` are the JWK Sets of the clients registered, by ID.

    Yields the HttpServer and the assertions taken, newest last.
    """
    taken = []

    def respond(request):
        asked = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        assert "authorization" not in request.headers
        assert asked["grant_type"] == "client_credentials"
        assert asked["client_assertion_type"] == (
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        )
        try:
            taken.append(_verified(asked["client_assertion"], keys, server.url, taken))
        except (jwt.PyJWTError, LookupError) as error:
            said = {"error": "invalid_client", "error_description": type(error).__name__}
            return 400, {}, json.dumps(said).encode()
        token = f"signed-{len(taken)}"
        answer = {"access_token": token, "token_type": "bearer", "expires_in": 300}
        return 200, {}, json.dumps(answer | {"scope": asked.get("scope", "")}).encode()

    with http_server(respond) as server:
        yield server, taken


def _verified(assertion, keys, url, taken):
    """What an authority has to check (SMART App Launch 2.2, Backend Services; RFC 7523)."""
    head = jwt.get_unverified_header(assertion)
    claimed = jwt.decode(assertion, options={"verify_signature": False})
    key = {each["kid"]: each for each in keys[claimed["iss"]]["keys"]}[head["kid"]]
    claims = jwt.decode(
        assertion,
        jwt.PyJWK(key),
        algorithms=["ES384", "RS384"],
        audience=url,
        issuer=claimed["iss"],
        options={"require": ["iss", "sub", "aud", "exp", "jti"]},
    )
    if claims["sub"] != claims["iss"] or claims["exp"] - claims["iat"] > 300:
        raise jwt.InvalidTokenError
    if claims["jti"] in {each["jti"] for each in taken}:
        raise jwt.InvalidTokenError
    return claims
