"""Canaries: secrets that would be known again anywhere, and the search for them.

Each is letters and digits, so that no quoting hides it. A search takes a canary as it is, in hex
and in base64, whatever stood before it (three ways for its bytes to fall into groups).
"""

import base64
import secrets
from dataclasses import dataclass, field
from functools import cache


@dataclass
class Canaries:
    """The secrets that were planted or found to be made, by name; and where one was seen."""

    planted: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def plant(self, name: str) -> str:
        """A new secret."""
        return self.know(name, "Canary" + secrets.token_hex(12))

    def know(self, name: str, value: str) -> str:
        """A secret that somebody else made."""
        assert len(value) >= 8, name
        self.planted[name] = value
        return value

    def search(self, where: str, content: str | bytes, *allowed: str) -> None:
        """Note each canary in `content` but those that belong there."""
        raw = content if isinstance(content, bytes) else content.encode(errors="surrogatepass")
        for name, value in self.planted.items():
            if name not in allowed and any(form in raw for form in _forms(value)):
                self.seen.add(f"{name} in {where}")


@cache
def _forms(value: str) -> frozenset[bytes]:
    raw = value.encode()
    forms = {raw, raw.hex().encode()}
    for shift in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # Without the characters that also hold bits of what stands before or behind.
            forms.add(encode(b"\0" * shift + raw)[4 if shift else 0 : -4])
    return frozenset(forms)
