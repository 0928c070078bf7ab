"""Offer ids: an offer's whole decision, signed, so that reading offers writes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import jwt

from api.errors import ApiError, Code
from recommenders.contract import Context, Offer

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "guanxi-offer"


@dataclass(frozen=True, slots=True)
class OfferDecision:
    """What an offer id says: who was offered what, when, where, how likely, and by which model."""

    customer_no: str
    product_code: str
    channel: str
    at: datetime
    propensity: float
    model: str
    arm: str

    def properties(self) -> Mapping[str, Any]:
        """Return what is stored beside an outcome."""
        return {"offered_at": self.at, "propensity": self.propensity, "model": self.model, "arm": self.arm}


def sign(offer: Offer, context: Context, model: str, at: datetime, secret: str) -> str:
    """Return an offer's id."""
    claims = {
        "aud": AUDIENCE,
        "c": offer.customer_no,
        "p": offer.product.product_code,
        "ch": context.channel,
        "at": int(at.timestamp()),
        "pr": round(offer.propensity, 6),
        "m": model,
        "arm": offer.arm,
    }
    return jwt.encode(claims, secret, ALGORITHM)


def verify(token: str, secret: str) -> OfferDecision:
    """Return what an offer's id says.

    Raises:
        ApiError: BAD_INPUT; it was not signed here.
    """
    try:
        claims = jwt.decode(token, secret, [ALGORITHM], audience=AUDIENCE)
        at = datetime.fromtimestamp(claims["at"], UTC)
        return OfferDecision(
            claims["c"], claims["p"], claims["ch"], at, claims["pr"], claims["m"], claims["arm"]
        )  # fmt: skip
    except (jwt.PyJWTError, KeyError, ValueError, RecursionError) as error:
        raise ApiError(Code.BAD_INPUT, "The offer id was not made here, or was changed.") from error
