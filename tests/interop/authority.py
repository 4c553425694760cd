"""An OAuth 2.0 authority that gives out tokens for client credentials."""

import base64
import contextlib
import json
from urllib.parse import parse_qs

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
