"""Bearer tokens: signed JWTs of the one algorithm that the settings name."""

import asyncio
import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt

from api.errors import ApiError, Code
from api.roles import KEYS, Role, Viewer

logger = logging.getLogger("guanxi.api")

REQUIRED: Final = ["exp", "sub", "iss", "aud", "role"]
LONGEST_TOKEN: Final = 8_192
UNREADABLE: Final = (
    jwt.PyJWTError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError, OSError,
)  # fmt: skip
"""What PyJWT raises for tokens and key sets that others made."""


@dataclass(frozen=True)
class TokenRules:
    """What makes a token valid: its key, algorithm, issuer and audience.

    Attributes:
        secret: for HS256.
        jwks: file or URL of a JSON Web Key Set, for RS256 and ES256.
        refetch: seconds for which a key that the URL did not name is not looked for there again.
    """

    algorithm: str
    issuer: str
    audience: str
    secret: str | None = None
    jwks: str | None = None
    refetch: float = 30
    _remote: dict[str, jwt.PyJWKClient] = field(default_factory=dict, repr=False)

    async def viewer(self, authorization: str) -> Viewer:
        """Return who bears an ``Authorization`` header's token.

        Raises:
            ApiError: UNAUTHENTICATED, whatever is wrong with it.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN:
            raise ApiError(Code.UNAUTHENTICATED, "Send the header Authorization: Bearer TOKEN.")
        try:
            return _viewer(self._claims(token, await self._key(token)))
        except UNREADABLE as error:
            raise ApiError(Code.UNAUTHENTICATED, f"The token is not valid: {_why(error)}.") from error

    def _claims(self, token: str, key: Any) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[self.algorithm],
            issuer=self.issuer,
            audience=self.audience,
            options={"require": REQUIRED},
        )

    async def _key(self, token: str) -> Any:
        if self.jwks is None:
            return self.secret
        if not self.jwks.startswith(("http://", "https://")):
            key_id = jwt.get_unverified_header(token).get("kid", "")
            keys = jwt.PyJWKSet.from_dict(json.loads(await asyncio.to_thread(Path(self.jwks).read_text))).keys
            named = keys if not key_id and len(keys) == 1 else [key for key in keys if key.key_id == key_id]
            if not named:
                raise jwt.PyJWKClientError("The key set has no such key.")
            return named[0].key
        client = self._remote.setdefault(
            self.jwks, jwt.PyJWKClient(self.jwks, timeout=5, cooldown_duration=self.refetch)
        )
        return (await asyncio.to_thread(client.get_signing_key_from_jwt, token)).key

    def issue(self, role: Role, key: str = "", subject: str | None = None, hours: float = 12) -> str:
        """Return a token of the development mode, signed with the secret."""
        now = datetime.now(UTC)
        claims = {
            "sub": subject or key or role.lower(),
            "role": role.value,
            "iss": self.issuer,
            "aud": self.audience,
            "iat": now,
            "exp": now + timedelta(hours=hours),
        }
        if role in KEYS:
            claims[KEYS[role]] = key
        return jwt.encode(claims, self.secret or "", self.algorithm)


def _viewer(claims: dict[str, Any]) -> Viewer:
    role = Role(claims["role"])
    key = claims[KEYS[role]] if role in KEYS else ""
    if not isinstance(key, str) or (role in KEYS and not key) or not isinstance(claims["sub"], str):
        raise ValueError("its claims are not texts")
    return Viewer(claims["sub"], role, key, datetime.fromtimestamp(claims["exp"], UTC))


def _why(error: Exception) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return "it has expired"
        case jwt.InvalidAudienceError():
            return "it is for another audience"
        case jwt.InvalidIssuerError():
            return "it is from another issuer"
        case jwt.MissingRequiredClaimError():
            return f"the claim {error.claim} is missing"
        case KeyError():
            return f"the claim {error.args[0]} is missing"
        case OSError() | jwt.PyJWKClientConnectionError():
            logger.error("the key set cannot be read: %s", error)
            return "the key set cannot be read now"
        case jwt.PyJWKClientError():
            return "its key is not in the key set"
        case _:
            return "its signature, algorithm or claims are wrong"
