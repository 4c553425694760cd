"""Who we are, signed: `private_key_jwt` (RFC 7523) as SMART Backend Services asks for it.

The private key stays here; the authority that gives out tokens is given the public one, as a JWK
Set (RFC 7517), when the client is registered.
"""

import base64
import hashlib
import json
import time
import uuid
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

# What SMART App Launch 2 wants every authority to take; one of them is enough for a client.
Algorithm = Literal["ES384", "RS384"]
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME_SECONDS = 240  # at most five minutes, and clocks differ
_RSA_BITS = 3072
_NAMING = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}  # RFC 7638 section 3.2


def key_make(algorithm: Algorithm) -> str:
    """A new private key, as PEM (PKCS 8, not encrypted)."""
    elliptic = algorithm == "ES384"
    key = (
        ec.generate_private_key(ec.SECP384R1())
        if elliptic
        else rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def key_algorithm(key: str) -> Algorithm | None:
    """What the key signs by; None for what is no such key."""
    match _loaded(key):
        case ec.EllipticCurvePrivateKey(curve=ec.SECP384R1()):
            return "ES384"
        case rsa.RSAPrivateKey():
            return "RS384"
    return None


def jwk_set(key: str) -> dict[str, Any]:
    """The public part of a private key, for registration. Raises ValueError for no such key."""
    return {"keys": [_public(key)]}


def assertion(key: str, *, client_id: str, token_url: str) -> str:
    """A new one for each time it is asked: none is taken twice. Raises ValueError for no key."""
    public, now = _public(key), int(time.time())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": token_url,
        "iat": now,
        "exp": now + LIFETIME_SECONDS,
        "jti": str(uuid.uuid4()),
    }
    return jwt.encode(claims, key, algorithm=public["alg"], headers={"kid": public["kid"]})


def _loaded(key: str) -> object | None:
    try:
        return load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError):
        return None


def _public(key: str) -> dict[str, Any]:
    loaded, algorithm = _loaded(key), key_algorithm(key)
    if isinstance(loaded, rsa.RSAPrivateKey):
        known = RSAAlgorithm.to_jwk(loaded.public_key(), as_dict=True)
    elif isinstance(loaded, ec.EllipticCurvePrivateKey) and algorithm:
        known = ECAlgorithm.to_jwk(loaded.public_key(), as_dict=True)
    else:
        raise ValueError("not a private key for ES384 or RS384")
    public = {name: known[name] for name in _NAMING[known["kty"]]}
    return public | {"use": "sig", "alg": algorithm, "kid": _thumbprint(public)}


def _thumbprint(public: dict[str, str]) -> str:
    """RFC 7638: the same key has the same name everywhere."""
    canonical = json.dumps(public, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(canonical.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
