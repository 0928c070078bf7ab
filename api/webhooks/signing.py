"""Signs what is sent, and derives the secrets to do so: none lies in the graph.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md.
"""

import base64
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

from graph.webhooks import Webhook

PREFIX: Final = "whsec_"
OVERLAP: Final = timedelta(hours=24)
"""How long after a rotation the secret before signs, too."""


def secret(webhook: Webhook, root: str) -> str:
    """Return a webhook's secret as its receiver is told it."""
    return PREFIX + base64.b64encode(_key(webhook.webhook_id, webhook.secret_version, root)).decode()


def headers(webhook: Webhook, event_id: str, body: bytes, now: datetime, root: str) -> dict[str, str]:
    """Return the headers by which a receiver knows who sent a body, which event it is, and when it was sent."""
    timestamp = str(int(now.timestamp()))
    signed = b".".join([event_id.encode(), timestamp.encode(), body])
    keys = [_key(webhook.webhook_id, version, root) for version in _versions(webhook, now)]
    signatures = [base64.b64encode(_digest(key, signed)).decode() for key in keys]
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _versions(webhook: Webhook, now: datetime) -> list[int]:
    current = webhook.secret_version
    is_new = webhook.rotated_at is not None and now - webhook.rotated_at < OVERLAP
    return [current, current - 1] if is_new else [current]


def _key(webhook_id: str, version: int, root: str) -> bytes:
    return _digest(root.encode(), f"guanxi webhook {webhook_id} {version}".encode())


def _digest(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()
