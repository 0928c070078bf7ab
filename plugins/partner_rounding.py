"""Counts as partners may read them: rounded at random to a base, and moved in steps of more than 20 customers.

The rounding is the unbiased random rounding of statistical offices (*Handbook on Statistical Disclosure Control*,
https://sdctools.github.io/HandbookSDC/, 5.5), by one draw for each thing that is counted: an offset, which nobody is
told and which stays the same. So a count that stays is told the same, and no average over reports undoes the rounding.
One customer more or fewer makes another rounded count with one of the 20 offsets.
"""

import hmac
import json
from collections.abc import Iterable
from typing import Final

from recommenders.evaluation import LEAST_GROUP

BASE: Final = LEAST_GROUP
STEP: Final = 2 * BASE
"""Rounded counts that lie so far apart are of counts that differ by more than a base."""


def offset_of(secret: str, *counted: str) -> int:
    """Return the offset of what is counted, below the base."""
    digest = hmac.digest(secret.encode(), json.dumps(counted).encode(), "sha256")
    return int.from_bytes(digest) % BASE


def rounded(count: int, offset: int) -> int:
    """Return one of the two multiples of the base next to a count; over all offsets, the count itself on average."""
    return (count + offset) // BASE * BASE


def told(series: Iterable[int]) -> int | None:
    """Return the last rounded count that lay a step or more from the one told before; None below a step."""
    last = 0
    for count in series:
        if abs(count - last) >= STEP:
            last = count
    return last if last >= STEP else None
