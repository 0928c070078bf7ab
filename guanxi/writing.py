"""Writes a file of personal data whole or not at all, for this user's eyes only."""

import os
from pathlib import Path

from graph.errors import GuanxiError


def write_private(path: Path, text: str) -> None:
    """Put a text in a file, in place of what it had.

    Raises:
        GuanxiError: it cannot be written; what it had stays.
    """
    whole = path.with_name(f".{path.name}.whole")
    try:
        with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        whole.replace(path)
    except OSError as error:
        raise GuanxiError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        whole.unlink(missing_ok=True)
