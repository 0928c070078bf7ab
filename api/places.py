"""Places in a page of what has a number that the reader may not see whole: a cursor is read by who decodes it."""

import hmac
from datetime import date

from api.access import last_places
from api.session import Session
from api.types.relay import Place


def hidden_place(session: Session, day: date | None, number: str) -> Place:
    """Return a place by day, then by the last places of a number."""
    return (str(day or ""), last_places(number), _digest(session, number))


def unnamed_place(session: Session, day: date | None, kind: str, number: str) -> Place:
    """Return a place by day, then by kind, that tells nothing of a number."""
    return (str(day or ""), kind, _digest(session, number))


def _digest(session: Session, number: str) -> str:
    secret = f"place {session.services.offer_secret}"
    return hmac.digest(secret.encode(), number.encode(), "sha256").hex()[:16]
