"""An issuer of tokens: its private keys, the key sets it publishes, and tokens, good and forged."""

import base64
import hmac
import json
from datetime import UTC, datetime

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
CLAIMS = {"sub": "anna", "role": "CUSTOMER", "customer_no": "ANNA", "iss": "guanxi", "aud": "guanxi", "exp": FUTURE}
PRIVATE = {kid: rsa.generate_private_key(65_537, 2_048) for kid in ("old", "new", "strange")}
WEAK = rsa.generate_private_key(65_537, 1_024)
CURVE = ec.generate_private_key(ec.SECP256R1())


def published(kid, key=None, **own):
    """One key as a set shows it."""
    public = (key or PRIVATE[kid]).public_key()
    algorithm = jwt.algorithms.ECAlgorithm if key is CURVE else jwt.algorithms.RSAAlgorithm
    return algorithm.to_jwk(public, as_dict=True) | {"kid": kid, "use": "sig"} | own


def key_set(*kids):
    return {"keys": [published(kid, alg="RS256") for kid in kids]}


def rs256(kid="old", by="old", header=None, **claims):
    headers = ({"kid": kid} if kid else {}) | (header or {})
    return jwt.encode(CLAIMS | claims, PRIVATE[by], "RS256", headers)


def forged(header, key=b"", claims=CLAIMS):
    """A token of any header, signed by HMAC with any key: what PyJWT itself refuses to make."""
    claims = claims | {"exp": int(FUTURE.timestamp())}
    head, body = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    signature = hmac.digest(key, head + b"." + body, "sha256") if key else b""
    return b".".join([head, body, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def signed_with_the_public_key(kid="old"):
    """What a verifier takes that lets the token say the algorithm."""
    public = PRIVATE["old"].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return forged({"alg": "HS256", "kid": kid}, public)
