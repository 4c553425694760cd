"""What the generated description of the API needs to be told."""

from typing import Any

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme

from pneumoscope.web.config.problems import CONTENT_TYPE

_PROBLEM = {
    "type": "object",
    "description": "RFC 9457, with a stable code and what to do about it.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string", "description": "what happened"},
        "remedy": {"type": "string", "description": "what to do"},
    },
    "required": ["type", "title", "status", "code", "detail", "remedy"],
}
_DEFAULT = {
    "description": "Any error: 400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 429, 500 or 507.",
    "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    """Our tokens are Knox's."""

    target_class = "pneumoscope.web.accounts.tokens.TokenAuthentication"


def problems_described(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Every operation may answer with a problem."""
    result["components"]["schemas"]["Problem"] = _PROBLEM
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = _DEFAULT
    return result
