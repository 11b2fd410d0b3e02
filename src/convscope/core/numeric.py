"""Numbers of Python and NumPy; booleans do not count."""

from fractions import Fraction
from numbers import Integral, Real
from typing import TypeGuard

from .errors import ParameterError


def is_integer(value: object) -> TypeGuard[int]:
    """Return whether `value` is a whole number.

    Examples:
        >>> import numpy as np
        >>> [is_integer(value) for value in (3, np.int64(3), 3.0, True, np.True_, "3")]
        [True, True, False, False, False, False]
    """
    return isinstance(value, Integral) and not isinstance(value, bool)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether `value` is a real number that a float can represent.

    Examples:
        >>> import numpy as np
        >>> [is_number(value) for value in (3, 0.5, np.float32(0.5), True, 1j, Fraction(1, 2), "3")]
        [True, True, True, False, False, False, False]
    """
    return isinstance(value, Real) and not isinstance(value, (bool, Fraction))


def at_least(least: int, name: str, value: object) -> int:
    """Return `value`, a whole number of at least `least`, as an int.

    Raises:
        ParameterError: it is not; the message calls it `name`.
    """
    if not is_integer(value) or value < least:
        raise ParameterError(f"`{name}` must be a whole number of at least {least}. Got {value!r}.")
    return int(value)
