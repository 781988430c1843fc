"""The ways to sign in that this installation has, as its settings switch them on."""

from dataclasses import dataclass

from app.auth.passwords import Passwords
from app.auth.throttle import Throttle
from app.db.accounts import PASSWORD
from app.domain.errors import InputErrorCode, InputProblem, InvalidInput
from app.settings import Settings


@dataclass(frozen=True, slots=True)
class Way:
    """One way: whether new users may come by it, and where a browser begins, if it is one's."""

    provider: str
    sign_up: bool
    path: str | None = None


class Entrance:
    """What one API process needs to let people in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.passwords = Passwords(settings)
        self.throttle = Throttle(settings)

    @property
    def ways(self) -> list[Way]:
        """Those that are on."""
        names = [PASSWORD] if self._settings.password_sign_in else []
        return [Way(name, self.may_sign_up(name)) for name in names]

    def may_sign_up(self, provider: str) -> bool:
        """Whether somebody whom we do not know becomes a user by this way."""
        return provider in self._settings.sign_up

    def check(self, provider: str) -> None:
        """InvalidInput NOT_ALLOWED for a way that is off."""
        if not any(way.provider == provider for way in self.ways):
            raise _refused("This way to sign in is off; see signInMethods.")

    def check_sign_up(self, provider: str) -> None:
        """InvalidInput NOT_ALLOWED for a way that is off, or not for new users."""
        self.check(provider)
        if not self.may_sign_up(provider):
            raise _refused("Nobody can sign up here this way; ask the operator.")


def _refused(rule: str) -> InvalidInput:
    return InvalidInput([InputProblem(InputErrorCode.NOT_ALLOWED, (), rule)])
