"""Values that have the right type of JSON and cannot be read: amounts, times, bytes, fractions."""

import re
from typing import Any

from reconciler.simulator.quantity import FORM

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
BASE64 = re.compile(rb"[A-Za-z0-9+/]")
NO_QUANTITY = (
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
)


def fault(kind: str, value: Any) -> str | None:
    """What the decoder says of a value of this scalar kind, if it cannot read it."""
    if kind == "quantity":
        return None if _is_quantity(value) else NO_QUANTITY
    if kind == "bytes":
        return _base64_fault(value)
    if kind == "time" and not TIME.fullmatch(value):
        layout = "2006-01-02T15:04:05Z07:00"
        return f'parsing time "{value}" as "{layout}": cannot parse "{value}" as "2006"'
    return None


def _is_quantity(value: Any) -> bool:
    return not isinstance(value, bool | list | dict) and FORM.fullmatch(str(value)) is not None


def _base64_fault(text: str) -> str | None:
    """The place is that of the first character that cannot be there."""
    data = text.encode()
    bare = data.rstrip(b"=")
    for place, code in enumerate(bare):
        if not BASE64.match(bytes((code,))):
            return f"illegal base64 data at input byte {place}"
    if len(data) % 4 or len(data) - len(bare) > 2:
        return f"illegal base64 data at input byte {len(data) - len(data) % 4}"
    return None
