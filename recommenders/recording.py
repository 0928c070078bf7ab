"""Records warnings in place of showing them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO


@contextmanager
def recorded() -> Iterator[list[warnings.WarningMessage]]:
    """Yield a list of what is warned of meanwhile, as ``catch_warnings(record=True)`` does.

    Who is left behind in a block of his own puts back, at its end, what he found: it shows warnings once this is over.
    """
    caught, show, is_over = list[warnings.WarningMessage](), warnings.showwarning, False

    def record(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if is_over:
            show(message, category, filename, lineno, file, line)
        else:
            caught.append(warnings.WarningMessage(message, category, filename, lineno, file, line))

    with warnings.catch_warnings():
        warnings.showwarning = record
        try:
            yield caught
        finally:
            is_over = True
