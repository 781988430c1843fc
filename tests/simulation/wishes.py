"""What users may want, as verbs of the API on what there is; drawn by a number."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from app.auth.kubeconfigs import parse_kubeconfig
from app.db.session import Session
from app.domain.addresses import AddressRules
from app.domain.environment import Given
from app.domain.kubeconfig import Kubeconfig
from app.domain.states import DesiredState, ResourceKind
from app.domain.viewer import Viewer
from app.services import accounts, environment, kubeconfigs, projects, resources
from app.services.databases import NewDatabase
from app.services.projects import Makers, NewProject
from app.services.sandboxes import NewSandbox
from tests.integration.world import KEYS
from tests.kubeconfigs import changed, good

Verb = Callable[[Session, Viewer], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Target:
    """A resource that there is."""

    key: UUID
    project: UUID
    account: UUID
    kind: ResourceKind
    name: str


@dataclass(frozen=True, slots=True)
class Wish:
    """In words, whose it is (an account), and what is to be done."""

    said: str
    account: UUID
    verb: Verb


def creation(makers: Makers, account: UUID, name: str, *, database: bool, sandbox: bool) -> Wish:
    """A new project."""
    new = NewProject(
        name, databases=None if database else (), sandboxes=None if sandbox or not database else ()
    )

    async def verb(session: Session, viewer: Viewer) -> object:
        return await projects.create(session, viewer, makers, new)

    parts = [kind for kind, there in (("app", new.sandboxes is None), ("db", database)) if there]
    return Wish(f"create {name} with {' and '.join(parts)}", account, verb)


def _of_project(desired: DesiredState) -> Callable[[Makers, Target, int], Verb]:
    return lambda _makers, target, _number: (
        lambda session, viewer: projects.want(session, viewer, target.project, desired)
    )


def _of_one(desired: DesiredState) -> Callable[[Makers, Target, int], Verb]:
    def wish(makers: Makers, target: Target, _number: int) -> Verb:
        if target.kind == ResourceKind.SANDBOX:
            sandboxes = makers.sandboxes.details
            return lambda s, v: resources.want(s, v, sandboxes, target.key, desired)
        databases = makers.databases.details
        return lambda s, v: resources.want(s, v, databases, target.key, desired)

    return wish


def _edit(makers: Makers, target: Target, number: int) -> Verb:
    given = {"cpu": f"{1 + number % 3}"}
    if target.kind == ResourceKind.SANDBOX:
        return lambda s, v: resources.update(s, v, makers.sandboxes, target.key, given)
    return lambda s, v: resources.update(s, v, makers.databases, target.key, given)


def _retry(_makers: Makers, target: Target, _number: int) -> Verb:
    return lambda session, viewer: projects.retry(session, viewer, target.project)


def _variable(_makers: Makers, target: Target, number: int) -> Verb:
    given = Given("GREETING", f"hello {number}")
    return lambda s, v: environment.put(s, v, KEYS, target.project, given)


def _add(makers: Makers, target: Target, number: int) -> Verb:
    if number % 2:
        name = NewSandbox(f"more{number}")
        return lambda s, v: resources.create(s, v, makers.sandboxes, target.project, name)
    database = NewDatabase(f"more{number}")
    return lambda s, v: resources.create(s, v, makers.databases, target.project, database)


def _beside(makers: Makers, _target: Target, number: int) -> Verb:
    new = NewProject(f"shop{number}", databases=None if number % 3 == 0 else ())
    return lambda session, viewer: projects.create(session, viewer, makers, new)


WISHES: Mapping[str, Callable[[Makers, Target, int], Verb]] = {
    "start the project of": _of_project(DesiredState.RUNNING),
    "stop the project of": _of_project(DesiredState.STOPPED),
    "delete the project of": _of_project(DesiredState.DELETED),
    "start": _of_one(DesiredState.RUNNING),
    "stop": _of_one(DesiredState.STOPPED),
    "delete": _of_one(DesiredState.DELETED),
    "edit": _edit,
    "retry the project of": _retry,
    "set a variable in the project of": _variable,
    "add one to the project of": _add,
    "make a project beside that of": _beside,
}
NAMES = tuple(WISHES)


def wish(makers: Makers, name: str, target: Target, number: int) -> Wish:
    """This wish, of this resource."""
    said = f"{name} {target.kind.lower()} {target.name} ({str(target.key)[-4:]})"
    return Wish(said, target.account, WISHES[name](makers, target, number))


def _kubeconfig(namespace: str) -> Kubeconfig:
    tree = changed(good(), "contexts", 0, "context", "namespace", to=namespace)
    return parse_kubeconfig(json.dumps(tree), (), AddressRules())


_PLACE, _OTHER_PLACE = "mooring", "other"
_HERE, _ELSEWHERE = _kubeconfig(_PLACE), _kubeconfig(_OTHER_PLACE)
SET_KUBECONFIG, SET_ANOTHER = "set the kubeconfig", "set another kubeconfig"
OF_KUBECONFIGS: Mapping[str, Verb] = {
    SET_KUBECONFIG: lambda session, viewer: kubeconfigs.put(session, viewer, KEYS, _HERE),
    SET_ANOTHER: lambda s, v: kubeconfigs.put(s, v, KEYS, _ELSEWHERE),
    "have the kubeconfig checked": kubeconfigs.check,
    "delete the kubeconfig": kubeconfigs.delete,
}
KUBECONFIGS = tuple(OF_KUBECONFIGS)


def way_to(namespace: str) -> str:
    """Which of them leads to this namespace."""
    return {_PLACE: SET_KUBECONFIG, _OTHER_PLACE: SET_ANOTHER}[namespace]


def of_account(name: str, login: str, account: UUID) -> Wish:
    """This wish, of a kubeconfig."""
    return Wish(f"{name} of {login}", account, OF_KUBECONFIGS[name])


def farewell(login: str, account: UUID) -> Wish:
    """The account is to go, with all that it has."""
    return Wish(f"delete the account of {login}", account, accounts.delete)
