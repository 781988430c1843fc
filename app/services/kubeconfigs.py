"""Verbs on the kubeconfig of an account: each takes an open session and a viewer, commits nothing.

None of them calls a cluster or resolves a name: the reconciler does, and writes down what it found.
"""

from app.db import credentials
from app.db.audit import Entry
from app.db.credentials import COLUMN, TABLE, CredentialRow
from app.db.session import Session
from app.domain.errors import NotFound
from app.domain.ids import new_id
from app.domain.kubeconfig import Kubeconfig
from app.domain.settings import CredentialState
from app.domain.viewer import Viewer
from app.secrets.keyring import KeyRing


async def put(
    session: Session, viewer: Viewer, keys: KeyRing, kubeconfig: Kubeconfig
) -> CredentialRow:
    """Make this the viewer's kubeconfig; what is made from now on goes to its cluster.

    One that is READY and set again, as at each sign-in from Sealos, changes nothing.
    """
    present = await credentials.lock(session, viewer, viewer.home)
    key = present.id if present else new_id()
    if present is not None and present.state is CredentialState.READY:
        model = keys.open(await credentials.model(session, key), TABLE, key, COLUMN)
        if model == kubeconfig.dump():
            return present
    server = kubeconfig.server.url
    await credentials.put(
        session,
        key,
        account_id=viewer.home,
        model=keys.seal(kubeconfig.dump(), TABLE, key, COLUMN),
        server=server,
        namespace=kubeconfig.namespace,
        present=present is not None,
    )
    row = await _present(session, viewer)
    session.entries.append(_entry("kubeconfig.set", row))
    return row


async def check(session: Session, viewer: Viewer) -> CredentialRow:
    """Have it looked at again."""
    present = await _locked(session, viewer)
    await credentials.check(session, present)
    session.entries.append(_entry("kubeconfig.check", present))
    return await _present(session, viewer)


async def delete(session: Session, viewer: Viewer) -> CredentialRow:
    """Take it away; what it was."""
    present = await _locked(session, viewer)
    await credentials.delete(session, present)
    session.entries.append(_entry("kubeconfig.delete", present))
    return present


async def _locked(session: Session, viewer: Viewer) -> CredentialRow:
    present = await credentials.lock(session, viewer, viewer.home)
    if present is None:
        raise NotFound(field=[])
    return present


async def _present(session: Session, viewer: Viewer) -> CredentialRow:
    row = await credentials.of_account(session, viewer, viewer.home)
    if row is None:  # a token for single projects
        raise NotFound(field=[])
    return row


def _entry(action: str, row: CredentialRow) -> Entry:
    return Entry(
        action=action,
        account_id=row.account_id,
        subject_type="Kubeconfig",
        subject_id=row.id,
        detail={"server": row.server, "namespace": row.k8s_namespace},
    )
