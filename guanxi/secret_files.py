"""Secrets that guanxi makes for itself once and keeps in its home, for this user's eyes only."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from pydantic import SecretStr

from graph.errors import SettingsError
from guanxi.settings import Settings


def kept(path: Path) -> str:
    """Return the secret in a file, made at the first call; of processes that start together, one makes it.

    Raises:
        SettingsError: the folder cannot be written.
    """
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            _make(path)
        return path.read_text()
    except OSError as error:
        raise SettingsError(f"The secret {path} cannot be kept: {error.strerror}.") from error


def given_or_kept(given: SecretStr | None, path: Path) -> str:
    """Return the secret that is set, or else the one that is kept in a file."""
    return given.get_secret_value() if given else kept(path)


def erasure_secret(settings: Settings) -> str:
    """Return the secret that erasures are proved by."""
    return given_or_kept(settings.erasure_secret, settings.home / "erasure.secret")


def _make(path: Path) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(32))
    try:
        with suppress(FileExistsError):
            path.hardlink_to(fresh)
    finally:
        fresh.unlink()
