"""What is shown to every plugin alike, and changed by none."""

from typing import NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray

Shown = TypeVar("Shown", bound=NDArray[np.generic])


class ReadOnly:
    """An object whose attributes are set when it is made, by its ``__dict__``, and not by others."""

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be changed: others see it, too")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be removed: others see it, too")


def sealed(array: Shown) -> Shown:
    """Return an array that cannot be written any more."""
    array.setflags(write=False)
    return array
