"""Bearer tokens: signed JWTs of the one algorithm that the settings name."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import jwt

from api.errors import ApiError, Code
from api.key_sets import KeySet, KeySetUnreadable, Pace
from api.roles import KEYS, Role, Viewer

REQUIRED: Final = ["exp", "sub", "iss", "aud", "role"]
LONGEST_TOKEN: Final = 8_192
UNREADABLE: Final = (
    jwt.PyJWTError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError,
)  # fmt: skip
"""What PyJWT raises for tokens that others made."""


@dataclass(frozen=True)
class TokenRules:
    """What makes a token valid: its key, algorithm, issuer and audience.

    Attributes:
        secret: for HS256.
        jwks: file or URL of a JSON Web Key Set, for RS256 and ES256.
        pace: when the key set is read.
        leeway: seconds by which the clocks of issuer and server may differ, for ``exp``, ``nbf`` and ``iat``.
    """

    algorithm: str
    issuer: str
    audience: str
    secret: str | None = None
    jwks: str | None = None
    pace: Pace = field(default_factory=Pace)
    leeway: float = 10

    async def viewer(self, authorization: str) -> Viewer:
        """Return who bears an ``Authorization`` header's token.

        Raises:
            ApiError: UNAUTHENTICATED, whatever is wrong with it.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token or len(token) > LONGEST_TOKEN:
            raise ApiError(Code.UNAUTHENTICATED, "Send the header Authorization: Bearer TOKEN.")
        try:
            claims = self._claims(token, await self._key(token))
            return _viewer(claims, datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=self.leeway))
        except UNREADABLE as error:
            raise ApiError(Code.UNAUTHENTICATED, f"The token is not valid: {_why(error)}.") from error

    def _claims(self, token: str, key: Any) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[self.algorithm],
            issuer=self.issuer,
            audience=self.audience,
            leeway=self.leeway,
            options={"require": REQUIRED},
        )

    async def _key(self, token: str) -> Any:
        if self._key_set is None:
            return self.secret
        return await self._key_set.key(jwt.get_unverified_header(token).get("kid"))

    @cached_property
    def _key_set(self) -> KeySet | None:
        return KeySet(self.jwks, self.algorithm, self.pace) if self.jwks else None

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


def _viewer(claims: dict[str, Any], expires_at: datetime) -> Viewer:
    role = Role(claims["role"])
    key = claims[KEYS[role]] if role in KEYS else ""
    if not isinstance(key, str) or (role in KEYS and not key) or not isinstance(claims["sub"], str):
        raise ValueError("its claims are not texts")
    return Viewer(claims["sub"], role, key, expires_at)


def _why(error: Exception) -> str:
    match error:
        case jwt.ExpiredSignatureError():
            return "it has expired"
        case jwt.ImmatureSignatureError():
            return "it is not valid yet"
        case jwt.InvalidAudienceError():
            return "it is for another audience"
        case jwt.InvalidIssuerError():
            return "it is from another issuer"
        case jwt.MissingRequiredClaimError():
            return f"the claim {error.claim} is missing"
        case KeyError():
            return f"the claim {error.args[0]} is missing"
        case KeySetUnreadable():
            return "the key set cannot be read now"
        case jwt.PyJWKClientError():
            return "its key is not in the key set"
        case _:
            return "its signature, algorithm or claims are wrong"
