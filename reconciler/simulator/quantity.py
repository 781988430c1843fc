"""Kubernetes quantities in their canonical form: `0.02` is `20m`, `1024Mi` is `1Gi`.

As k8s.io/apimachinery's resource.Quantity writes them: no fraction, the largest suffix that
divides, the family (binary or decimal) of the text that was given.
"""

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([KMGTPE]i|[numkMGTPE]))?")


@lru_cache(maxsize=4096)
def canonical(text: str) -> str:
    """The canonical text of a quantity. Raises ValueError for what is none."""
    match = FORM.fullmatch(text)
    if match is None:
        raise ValueError(text)
    value = amount(text)
    return _binary(value) if match[3] in BINARY[1:] else _decimal(value)


def amount(text: str) -> Decimal:
    """Its size, to compare two. Raises ValueError."""
    match = FORM.fullmatch(text)
    if match is None:
        raise ValueError(text)
    number, exponent, suffix = match.groups()
    if suffix in BINARY[1:]:
        factor: int = 1024 ** BINARY.index(suffix)
        return Decimal(number) * factor
    return Decimal(number).scaleb(int(exponent or 0) + DECIMAL[suffix or ""])


def plus(first: str, second: str) -> str:
    """The canonical sum, in the family of the first that is not 0. Raises ValueError."""
    total = amount(first) + amount(second)
    match = FORM.fullmatch(first if amount(first) else second)
    binary = match is not None and match[3] in BINARY[1:]
    return _binary(total) if binary else _decimal(total)


def _binary(value: Decimal) -> str:
    if abs(value) < 1024 or value != value.to_integral_value():
        return _decimal(value)
    whole, power = int(value), 0
    while whole % 1024 == 0 and power < len(BINARY) - 1:
        whole, power = whole // 1024, power + 1
    return f"{whole}{BINARY[power]}"


def _decimal(value: Decimal) -> str:
    smallest = int((value * 10**9).to_integral_value(ROUND_CEILING))
    if smallest == 0:
        return "0"
    for suffix, exponent in reversed(DECIMAL.items()):
        unit = 10 ** (exponent + 9)
        if smallest % unit == 0:
            return f"{smallest // unit}{suffix}"
    return f"{smallest}n"
