"""Idempotency keys: whose they are, what they stand for, and how long they are kept."""

import hashlib
import json
import secrets
from typing import Any

from api.session import Session
from api.user_errors import UserErrorCode, Wrong
from graph import once

LONGEST_KEY = 200


def request_of(session: Session, mutation: str, given: Any) -> once.Request:
    """Return the request that an input makes; without a key of its caller it is like no other.

    A key is the caller's own: another viewer's, or another mutation's, is another key.

    Raises:
        Wrong: the key is empty or too long.
    """
    key = secrets.token_urlsafe(16) if given.idempotency_key is None else given.idempotency_key
    if not 0 < len(key) <= LONGEST_KEY:
        raise Wrong("idempotencyKey", UserErrorCode.BAD_INPUT, f"A key has 1 to {LONGEST_KEY} characters.")
    viewer = session.viewer
    whose = json.dumps([mutation, viewer.role, viewer.key, viewer.subject, key])
    said = {name: value for name, value in vars(given).items() if name != "idempotency_key"}
    return once.Request(
        hashlib.sha256(whose.encode()).hexdigest(),
        hashlib.sha256(json.dumps(said, default=str, sort_keys=True).encode()).hexdigest(),
        secrets.token_urlsafe(16),
        session.now,
    )
