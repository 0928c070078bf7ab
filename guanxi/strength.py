"""How hard a secret is to guess, as far as its text alone tells."""

import math
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

LEAST_BITS: Final = 80.0
KNOWN: Final = (
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "a-string-secret-at-least-256-bits-long",
    "a-string-secret-at-least-384-bits-long",
    "a-string-secret-at-least-512-bits-long",
    "changeme", "change-me", "change_me", "change me", "changethis", "change-this", "change_this",
    "insert-", "my-secret", "my_secret", "mysecret", "placeholder", "replace-me", "replace_me",
    "super-secret", "super_secret", "supersecret", "password", "your-", "your_",
)  # fmt: skip
"""Secrets of other projects' documentation, and what those contain that wait to be replaced."""


def weakness(secret: str) -> str | None:
    """Return what is weak about a secret, or None.

    The bits are Shannon's, of its characters, and of the steps from one to the next, which tell a run such as
    ``abcdef``; a text that repeats counts once. A sentence passes: what is random cannot be told from what is not.
    """
    if any(known in secret.lower() for known in KNOWN):
        return "is, or contains, one that documentation shows"
    unit = secret[: (secret + secret).find(secret, 1)]
    steps = [ord(after) - ord(before) for before, after in pairwise(unit)]
    bits = min(len(unit) * _entropy(unit), len(steps) * _entropy(steps))
    return f"can be guessed: it has about {bits:.0f} bits, of {LEAST_BITS:.0f} at least" if bits < LEAST_BITS else None


def _entropy(symbols: Sequence[object]) -> float:
    counts = Counter(symbols)
    total = counts.total()
    return sum(n / total * math.log2(total / n) for n in counts.values())
