"""Kubernetes quantities, as far as users write them: `500m`, `2`, `512Mi`, `4Gi`.

The grammar is that of apimachinery's resource.Quantity; exponents and the suffixes n, u, P, E are
left out, because nobody means them here. Values are exact integers: thousandths of a
core or of a byte.
"""

import re

_FORM = re.compile(r"([0-9]{1,18})(?:\.([0-9]{1,3}))?(m|k|M|G|T|Ki|Mi|Gi|Ti)?", re.ASCII)
_FACTOR = {None: 1000, "m": 1, "k": 10**6, "M": 10**9, "G": 10**12, "T": 10**15} | {
    unit: 1000 * 1024**power for power, unit in enumerate(("Ki", "Mi", "Gi", "Ti"), start=1)
}


def milli(quantity: str) -> int | None:
    """`quantity` in thousandths of its unit (cores or bytes); None when it is not of the form."""
    match = _FORM.fullmatch(quantity)
    if match is None:
        return None
    whole, fraction, unit = match.groups()
    value: int = int(whole + (fraction or "").ljust(3, "0")) * _FACTOR[unit] // 1000
    return value
