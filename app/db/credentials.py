"""Statements on the cluster that an account brings: its sealed kubeconfig and what became of it.

The account is locked first, so that two who set a kubeconfig at once come one after the other. What
is set, asked about or taken away is told to the reconciler (`asked`), to those who watch settings
(`settings_channel`) and to all resources of the account, which look at once whether they can still
be reached.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text

from app.db import claims, resources
from app.db.rows import Executor, columns, read
from app.db.session import Session
from app.db.visibility import visible, visible_to
from app.db.wakeups import settings_channel
from app.domain.settings import CredentialState
from app.domain.viewer import Scope

# Where the model is sealed for (`KeyRing`).
TABLE: Final = "credential"
COLUMN: Final = "model"


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """A kubeconfig as its owner sees it; `observed`: the last look was at this very one."""

    id: UUID
    account_id: UUID
    server: str
    k8s_namespace: str
    state: CredentialState
    reason: str | None
    message: str | None
    username: str | None
    missing: list[str]
    observed: bool
    checked_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Place:
    """Where new resources of a project go; `server` None: the operator's cluster.

    `beside`: the namespace of those that it has there. A setting may say another by now, and no
    policy lets a sandbox to a database elsewhere.
    """

    server: str | None
    namespace: str
    beside: str | None

    def within(self, shared: str | None) -> str:
        """The namespace, where the operator's cluster has `shared` for all accounts."""
        return self.namespace if self.server else self.beside or shared or self.namespace


_ROW = columns(CredentialRow, "c", observed="c.observed_generation = c.generation")
# A token for single projects sees no setting of its account: no credential is of a project.
_OF = text(f"""
SELECT {_ROW} FROM credential c WHERE c.account_id = :account_id AND {visible("c", "id")}
""")
_NAMESPACE = "coalesce(c.k8s_namespace, a.k8s_namespace)"
_BESIDE = """(SELECT coalesce(s.k8s_namespace, d.k8s_namespace) FROM resource r
  LEFT JOIN sandbox s ON s.id = r.id LEFT JOIN database d ON d.id = r.id
  WHERE r.project_id = :project_id AND coalesce(s.k8s_server, d.k8s_server) IS NULL
  ORDER BY r.id LIMIT 1)"""
_PLACE = text(f"""
SELECT {columns(Place, "c", namespace=_NAMESPACE, beside=_BESIDE)}
FROM account a LEFT JOIN credential c ON c.account_id = a.id WHERE a.id = :account_id
""")
_MODEL = text("SELECT model FROM credential WHERE id = :id")
_LOCK_ACCOUNT = text("SELECT id FROM account WHERE id = :account_id FOR NO KEY UPDATE")
_INSERT = text("""
INSERT INTO credential (id, account_id, model, server, k8s_namespace)
VALUES (:id, :account_id, :model, :server, :namespace)
""")
_DUE = claims.due_when_asked("c")
# One that ended its workers says so until the look that it is to rest for.
_RESTS = f"CASE WHEN {claims.crashed('c')} THEN c.reason END"
_REPLACE = text(f"""
UPDATE credential c SET model = :model, server = :server, k8s_namespace = :namespace,
  generation = generation + 1, state = 'CHECKING', reason = {_RESTS},
  asked = asked + 1, lane = 0, due_at = {_DUE},
  updated_at = greatest(mooring_now(), updated_at)
WHERE id = :id
""")
_CHECK = text(f"""
UPDATE credential c SET state = 'CHECKING', reason = {_RESTS},
  asked = asked + 1, lane = 0, due_at = {_DUE},
  updated_at = greatest(mooring_now(), updated_at)
WHERE id = :id
""")
_DELETE = text("DELETE FROM credential WHERE id = :id")
_ASK_RESOURCES = text(f"""
WITH k AS MATERIALIZED (
  SELECT id FROM resource WHERE account_id = :account_id ORDER BY id FOR NO KEY UPDATE)
UPDATE resource r SET asked = asked + 1, due_at = {resources.DUE},
  lane = CASE WHEN desired_state = 'DELETED' THEN 1 ELSE 0 END
FROM k WHERE r.id = k.id
""")


async def of_account(executor: Executor, viewer: Scope, account_id: UUID) -> CredentialRow | None:
    """The kubeconfig of an account that `viewer` may see."""
    binds = {"account_id": account_id, **visible_to(viewer)}
    return next(iter(read(CredentialRow, await executor.execute(_OF, binds))), None)


async def place(executor: Executor, account_id: UUID, project_id: UUID) -> Place:
    """Where what is made in an account's project now belongs, whoever makes it."""
    binds = {"account_id": account_id, "project_id": project_id}
    return read(Place, await executor.execute(_PLACE, binds))[0]


async def lock(session: Session, viewer: Scope, account_id: UUID) -> CredentialRow | None:
    """Lock an account for a change of its kubeconfig, and give the present one."""
    await session.execute(_LOCK_ACCOUNT, {"account_id": account_id})
    return await of_account(session, viewer, account_id)


async def model(session: Session, credential_id: UUID) -> bytes:
    """The sealed kubeconfig itself, of a locked account."""
    found: bytes = (await session.execute(_MODEL, {"id": credential_id})).scalar_one()
    return found


async def put(
    session: Session,
    credential_id: UUID,
    *,
    account_id: UUID,
    model: bytes,
    server: str,
    namespace: str,
    present: bool,
) -> None:
    """Write a kubeconfig of a locked account, in place of the one that is `present`."""
    binds = {"id": credential_id, "model": model, "server": server, "namespace": namespace}
    if present:
        await session.execute(_REPLACE, binds)
    else:
        await session.execute(_INSERT, binds | {"account_id": account_id})
    await moved(session, account_id)


async def check(session: Session, row: CredentialRow) -> None:
    """Have it looked at again, with all that is reached by it."""
    await session.execute(_CHECK, {"id": row.id})
    await moved(session, row.account_id)


async def delete(session: Session, row: CredentialRow) -> None:
    """Take it away; what was made through it stays where it is, out of reach."""
    await session.execute(_DELETE, {"id": row.id})
    await moved(session, row.account_id)


async def moved(session: Session, account_id: UUID) -> None:
    """Have all resources of an account looked at, and tell who watches its settings."""
    await session.execute(_ASK_RESOURCES, {"account_id": account_id})
    session.asked = True
    tell(session, account_id)


def tell(session: Session, account_id: UUID) -> None:
    """Tell who watches the settings of an account's owner, after the commit."""
    session.channels.add(settings_channel(account_id))
