"""The ways to sign in that this installation has, as its settings switch them on."""

from dataclasses import dataclass

from app.auth.github import GITHUB, GitHub
from app.auth.openid import OpenIdProvider
from app.auth.outbound import Outbound
from app.auth.passwords import Passwords
from app.auth.provider import Provider
from app.auth.sealos import SEALOS, Sealos
from app.auth.throttle import Throttle
from app.db import identities
from app.db.accounts import PASSWORD
from app.db.session import Database
from app.domain.errors import InputErrorCode, InputProblem, InvalidInput
from app.domain.identities import Proof
from app.domain.viewer import API
from app.settings import Settings, SettingsError


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
        self.namespace_prefix = settings.namespace_prefix
        self.passwords = Passwords(settings)
        self.throttle = Throttle(settings)
        self.sealos = Sealos(settings)
        self.outbound = Outbound(settings.provider_timeout)
        self.providers = {provider.name: provider for provider in self._providers()}
        unknown = set(settings.sign_up) - {PASSWORD, GITHUB, SEALOS, *settings.openid_providers}
        if unknown:
            known = "PASSWORD, GITHUB, SEALOS and the names in MOORING_OPENID_PROVIDERS"
            raise SettingsError(f"MOORING_SIGN_UP: {', '.join(sorted(unknown))}: known are {known}")

    @property
    def ways(self) -> list[Way]:
        """Those that are on."""
        ways = [Way(PASSWORD, self.may_sign_up(PASSWORD))]
        browsers = [Way(name, self.may_sign_up(name), path_of(name)) for name in self.providers]
        desktops = [Way(SEALOS, self.may_sign_up(SEALOS))] if self.sealos.is_on else []
        return (ways if self._settings.password_sign_in else []) + browsers + desktops

    def may_sign_up(self, provider: str) -> bool:
        """Whether somebody whom we do not know becomes a user by this way."""
        return provider in self._settings.sign_up

    async def admits(self, database: Database, proof: Proof, address: str | None) -> bool:
        """The same for who comes with this proof; RateLimited if it would be a sign-up too many."""
        if not self.may_sign_up(proof.provider):
            return False
        async with database.read(API) as connection:
            known = await identities.as_proved(connection, proof.provider, proof.subject)
        if known is None:
            await self.throttle.sign_up(database, address)
        return True

    def check(self, provider: str) -> None:
        """InvalidInput NOT_ALLOWED for a way that is off."""
        if not any(way.provider == provider for way in self.ways):
            raise _refused("This way to sign in is off; see signInMethods.")

    def check_sign_up(self, provider: str) -> None:
        """InvalidInput NOT_ALLOWED for a way that is off, or not for new users."""
        self.check(provider)
        if not self.may_sign_up(provider):
            raise _refused("Nobody can sign up here this way; ask the operator.")

    def _providers(self) -> list[Provider]:
        settings, outbound = self._settings, self.outbound
        made: list[Provider] = []
        if settings.github_client_id:
            if settings.github_client_secret is None:
                raise SettingsError("MOORING_GITHUB_CLIENT_SECRET is not set: GitHub gives one")
            made.append(GitHub(settings, outbound, self._callback(GITHUB)))
        for name, chosen in settings.openid_providers.items():
            made.append(OpenIdProvider(name, chosen, outbound, self._callback(name)))
        return made

    def _callback(self, provider: str) -> str:
        # Not from the request: whoever names another host in it would say where codes are sent.
        if self._settings.public_url is None:
            raise SettingsError(
                f"MOORING_PUBLIC_URL is not set: {provider} sends browsers back there"
            )
        return f"{self._settings.public_url}{path_of(provider)}/callback"


def path_of(provider: str) -> str:
    """Where a browser begins to sign in at a provider."""
    return f"/auth/{provider.lower()}"


def _refused(rule: str) -> InvalidInput:
    return InvalidInput([InputProblem(InputErrorCode.NOT_ALLOWED, (), rule)])
