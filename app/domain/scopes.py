"""Which scope of an API token each field needs.

Published (docs/reference/scopes.md). Resolvers name their scope themselves; a test asks for every
field with a token of every scope and finds one whose answer is not what is said here, or that is
missing here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.domain.viewer import TokenScope


@dataclass(frozen=True, slots=True)
class Need:
    """What a field needs; `scope` None: nothing. `session`: no API token will do, whatever it may.

    `unlimited`: nor will one that is limited to projects.
    """

    scope: TokenScope | None
    session: bool = False
    unlimited: bool = False


_NOTHING = Need(None)
_READ = Need(TokenScope.PROJECTS_READ)
_WRITE = Need(TokenScope.PROJECTS_WRITE)
_SECRETS = Need(TokenScope.SECRETS_READ)
_ACCOUNT = Need(TokenScope.ACCOUNT)
_IN_PERSON = Need(TokenScope.ACCOUNT, session=True)

# Each field of the roots, and whatever below needs more than the way to it does.
NEEDS: Final[Mapping[str, Need]] = {
    "Query.signInMethods": _NOTHING,
    "Query.errorCodes": _NOTHING,
    "Query.me": _NOTHING,
    "Query.node": _READ,
    "Query.nodes": _READ,
    "Query.project": _READ,
    "Query.projects": _READ,
    "Query.changeCursor": _READ,
    "Query.auditLog": _ACCOUNT,
    "Query.kubeconfig": _ACCOUNT,
    "User.apiTokens": _ACCOUNT,
    "User.sessions": _ACCOUNT,
    "User.settings": _ACCOUNT,
    "User.identities": _ACCOUNT,
    "Mutation.signUp": _NOTHING,
    "Mutation.signIn": _NOTHING,
    "Mutation.refreshSession": _NOTHING,
    "Mutation.signOut": Need(TokenScope.ACCOUNT, session=True),
    "Mutation.signOutEverywhere": _ACCOUNT,
    "Mutation.revokeSession": _ACCOUNT,
    "Mutation.signInWithSealos": _NOTHING,
    "Mutation.setPassword": _IN_PERSON,
    "Mutation.linkSealos": _IN_PERSON,
    "Mutation.changePassword": _IN_PERSON,
    "Mutation.unlinkIdentity": _IN_PERSON,
    "Mutation.setPrimaryIdentity": _IN_PERSON,
    "Mutation.deleteAccount": _IN_PERSON,
    "Mutation.createApiToken": Need(TokenScope.ACCOUNT, session=True),
    "Mutation.deleteApiToken": _ACCOUNT,
    "Mutation.createProject": Need(TokenScope.PROJECTS_WRITE, unlimited=True),
    "Mutation.updateProject": _WRITE,
    "Mutation.startProject": _WRITE,
    "Mutation.stopProject": _WRITE,
    "Mutation.deleteProject": _WRITE,
    "Mutation.retryProject": _WRITE,
    "Mutation.createSandbox": _WRITE,
    "Mutation.updateSandbox": _WRITE,
    "Mutation.exposePort": _WRITE,
    "Mutation.unexposePort": _WRITE,
    "Mutation.startSandbox": _WRITE,
    "Mutation.stopSandbox": _WRITE,
    "Mutation.deleteSandbox": _WRITE,
    "Mutation.retrySandbox": _WRITE,
    "Mutation.createDatabase": _WRITE,
    "Mutation.updateDatabase": _WRITE,
    "Mutation.releaseDatabase": _WRITE,
    "Mutation.startDatabase": _WRITE,
    "Mutation.stopDatabase": _WRITE,
    "Mutation.deleteDatabase": _WRITE,
    "Mutation.retryDatabase": _WRITE,
    "Mutation.setVariable": _WRITE,
    "Mutation.replaceVariables": _WRITE,
    "Mutation.importVariables": _WRITE,
    "Mutation.deleteVariable": _WRITE,
    "Mutation.exportVariables": _SECRETS,
    "Mutation.revealVariable": _SECRETS,
    "Mutation.revealSetting": Need(TokenScope.SECRETS_READ, unlimited=True),
    "Mutation.revealDatabaseCredentials": _SECRETS,
    "Mutation.revealTerminalCredentials": _SECRETS,
    "Mutation.setSetting": _ACCOUNT,
    "Mutation.deleteSetting": _ACCOUNT,
    "Mutation.setAnthropicSettings": _ACCOUNT,
    "Mutation.setKubeconfig": _ACCOUNT,
    "Mutation.checkKubeconfig": _ACCOUNT,
    "Mutation.deleteKubeconfig": _ACCOUNT,
    "Subscription.projectChanged": _READ,
    "Subscription.projectsChanged": _READ,
    "Subscription.settingChanged": _ACCOUNT,
}
