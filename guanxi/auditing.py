"""The audit log as commands have it: its secret, and what a command has done."""

import getpass
from collections.abc import Mapping, Sequence
from typing import Any

from graph.audit import AuditLog
from graph.audit_entries import Act, AuditAction, AuditKey
from graph.store import Store
from guanxi.secret_files import given_or_kept
from guanxi.settings import Settings


def audit_secret(settings: Settings) -> str:
    """Return the secret of the audit log; without a setting, one is made and kept in the home."""
    return given_or_kept(settings.audit_secret, settings.home / "audit.secret")


def audit_log(settings: Settings, store: Store) -> AuditLog:
    """Return a store's audit log."""
    return AuditLog(store, AuditKey(audit_secret(settings)))


async def record(
    settings: Settings,
    store: Store,
    action: AuditAction,
    command: str,
    customers: Sequence[str] = (),
    details: Mapping[str, Any] | None = None,
) -> None:
    """Have it in the audit log what a command has read or written; a read, before it is shown.

    The actor is the user of the operating system. ``details`` tell nothing personal.

    Raises:
        StoreError: it may not be there.
    """
    actor = f"user {getpass.getuser()}"
    act = Act(actor, action, f"guanxi {command}", customers=customers, details=details or {})
    await audit_log(settings, store).append([act])
