"""Checks of what users write: pure, all problems at once, each with its field, rule and limit."""

import re
import unicodedata
from dataclasses import dataclass, field

from app.domain import limits, passwords
from app.domain.errors import InputErrorCode, InputProblem, InvalidInput
from app.domain.quantities import milli

_LOGIN = re.compile(r"[a-z0-9-]+", re.ASCII)
_REPO = re.compile(r"[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}", re.ASCII)
_VERSION = re.compile(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}", re.ASCII)
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*", re.ASCII)
# Control characters (but for line breaks in prose), surrogates and the bidi controls of UAX 9.
_REFUSED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


@dataclass(slots=True)
class Check:
    """Collects what is wrong with one input."""

    problems: list[InputProblem] = field(default_factory=list)

    def refuse(self, code: InputErrorCode, at: tuple[str, ...], message: str) -> None:
        """Note one broken rule."""
        self.problems.append(InputProblem(code, at, message))

    def done(self) -> None:
        """InvalidInput when anything was refused."""
        if self.problems:
            raise InvalidInput(self.problems)

    def text(self, value: str | None, at: tuple[str, ...], bounds: tuple[int, int]) -> str:
        """Text of any script within `bounds` characters, NFC, without space at its ends."""
        least, most = bounds
        if value is None:
            self.refuse(InputErrorCode.REQUIRED, at, "May not be null.")
            return ""
        clean = unicodedata.normalize("NFC", value).strip()
        if _REFUSED.search(value):
            self.refuse(InputErrorCode.INVALID, at, "Control and bidi characters are not allowed.")
        elif not clean and least:
            self.refuse(InputErrorCode.REQUIRED, at, f"Give {least} to {most} characters.")
        elif len(clean) < least:
            self.refuse(InputErrorCode.TOO_SHORT, at, f"At least {least} characters.")
        elif len(clean) > most:
            self.refuse(InputErrorCode.TOO_LONG, at, f"At most {most} characters.")
        return clean

    def login(self, value: str, at: tuple[str, ...]) -> str:
        """A name to sign in with."""
        before = len(self.problems)
        clean = self.text(value, at, limits.LOGIN)
        if len(self.problems) == before and not _LOGIN.fullmatch(value):
            rule = "Use a-z, 0-9 and - only."
            self.refuse(InputErrorCode.INVALID, at, rule)
        return clean

    @staticmethod
    def is_login(value: str) -> bool:
        """Whether anybody could have this login."""
        return _LOGIN.fullmatch(value) is not None

    def password(self, value: str, login: str, at: tuple[str, ...]) -> str:
        """A new password of `login`; every character counts."""
        least, most = limits.PASSWORD
        if len(value) < least:
            self.refuse(
                InputErrorCode.TOO_SHORT, at, f"A password has at least {least} characters."
            )
        elif len(value) > most:
            self.refuse(InputErrorCode.TOO_LONG, at, f"A password has at most {most} characters.")
        elif "\0" in value or re.search("[\ud800-\udfff]", value):
            self.refuse(
                InputErrorCode.INVALID, at, "A password holds no NUL and no half character."
            )
        elif passwords.is_login(value, login):
            rule = "Your login is no password, nor is it with a few characters more."
            self.refuse(InputErrorCode.NOT_ALLOWED, at, rule)
        elif passwords.is_common(value):
            rule = "This is one of the 10,000 commonest passwords; choose another."
            self.refuse(InputErrorCode.NOT_ALLOWED, at, rule)
        return value

    def github_repo(self, value: str | None, at: tuple[str, ...]) -> str | None:
        """owner/name, or nothing."""
        if value is not None and not _REPO.fullmatch(value):
            self.refuse(InputErrorCode.INVALID, at, "Write it as owner/name.")
        return value

    def image(self, value: str, at: tuple[str, ...]) -> str:
        """A container image reference."""
        before = len(self.problems)
        clean = self.text(value, at, limits.IMAGE)
        if len(self.problems) == before and not _IMAGE.fullmatch(value):
            self.refuse(InputErrorCode.INVALID, at, "Write it as registry/name:tag.")
        return clean

    def version(self, value: str, at: tuple[str, ...]) -> str:
        """A PostgreSQL version: 16, 16.4 or 16.4.0."""
        if not _VERSION.fullmatch(value):
            self.refuse(InputErrorCode.INVALID, at, "Write it as 16, 16.4 or 16.4.0.")
        return value

    def number(self, value: int, at: tuple[str, ...], bounds: tuple[int, int]) -> int:
        """A whole number within `bounds`."""
        low, high = bounds
        if not low <= value <= high:
            self.refuse(InputErrorCode.OUT_OF_RANGE, at, f"From {low} to {high}.")
        return value

    def quantity(self, value: str, at: tuple[str, ...], bounds: tuple[str, str]) -> str:
        """A Kubernetes quantity within `bounds`."""
        low, high = bounds
        amount, least, most = milli(value), milli(low), milli(high)
        assert least is not None
        assert most is not None
        if amount is None:
            rule = f"Write a Kubernetes quantity such as {low} or {high}."
            self.refuse(InputErrorCode.INVALID, at, rule)
        elif not least <= amount <= most:
            self.refuse(InputErrorCode.OUT_OF_RANGE, at, f"From {low} to {high}.")
        return value

    def growth(self, value: str, now: str, at: tuple[str, ...]) -> None:
        """That a disk gets no smaller: Kubernetes shrinks no volume."""
        amount, present = milli(value), milli(now)
        if amount is not None and present is not None and amount < present:
            self.refuse(InputErrorCode.NOT_ALLOWED, at, f"A disk only grows; it has {now}.")

    def upgrade(self, value: str, now: str, at: tuple[str, ...]) -> None:
        """That a version reads the data of the present one: PostgreSQL reads that of its own major
        version alone, and is not to go back."""
        asked, present = _numbers(value), _numbers(now)
        if not asked or not present:
            return
        if asked[0] != present[0]:
            rule = f"The major version stays {present[0]}: make a new database and move the data."
            self.refuse(InputErrorCode.NOT_ALLOWED, at, rule)
        elif asked[1:] < present[1 : len(asked)]:
            self.refuse(InputErrorCode.NOT_ALLOWED, at, f"It goes only up; it has {now}.")


def _numbers(version: str) -> tuple[int, ...]:
    """A version's numbers; none where it is not of the form, as what a cluster may say."""
    return tuple(map(int, version.split("."))) if _VERSION.fullmatch(version) else ()
