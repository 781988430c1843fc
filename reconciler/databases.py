"""Reconciling one database: observe, plan, act; the outcome says when to look again.

The operator makes account and address; both are read back with every pass, and the password is
sealed for its row only when it is another one. On a stop the sandboxes go first: an application
that loses its database before its own end loses what it was writing.
"""

import base64
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from app.db import databases, resources
from app.db.claims import Claim
from app.db.databases import DATABASES, Access, DatabaseSpec
from app.db.session import Database
from app.domain.observation import Endpoint, Outcome
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.domain.viewer import RECONCILER
from app.secrets.keyring import KeyRing
from app.settings import Settings
from reconciler import plan
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.manifests import database as manifests
from reconciler.manifests.identity import Owner
from reconciler.manifests.kinds import CLUSTER, SECRET, Object
from reconciler.observed.database import seen, version
from reconciler.removal import remove
from reconciler.resources import Superseded, check_lease

# Characters of a name or password of PostgreSQL that somebody could have chosen.
_LONGEST = 1000
_MISSING = "KubeBlocks is not installed in this cluster: apps.kubeblocks.io/v1 is not served."


class DatabaseReconciler:
    """Makes the cluster show what a database's row wants."""

    def __init__(
        self, database: Database, cluster: Cluster, keys: KeyRing, settings: Settings
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._keys = keys
        self._settings = settings

    async def reconcile(self, claim: Claim) -> Outcome:
        """One pass; Superseded or ClusterError when it cannot go on."""
        async with self._database.read(RECONCILER) as connection:
            spec = await DATABASES.spec(connection, claim.id)
            known = await databases.access(connection, claim.id)
            stopping = await resources.stopping_sandboxes(connection, claim.project_id)
        if spec is None or known is None:
            raise Superseded
        if claim.desired_state == DesiredState.DELETED:
            check = partial(check_lease, self._database, claim)
            return await remove(self._cluster, claim, spec.k8s_namespace, self._settings, check)
        return await self._hold(claim, spec, known, stopping)

    async def _hold(
        self, claim: Claim, spec: DatabaseSpec, known: Access, stopping: Sequence[str]
    ) -> Outcome:
        """RUNNING or STOPPED."""
        live = await self._cluster.get(CLUSTER, spec.k8s_namespace, spec.k8s_name)
        barred = plan.barred(claim, live, self._settings)
        if barred is not None:
            return barred
        held = stopping and claim.desired_state == DesiredState.STOPPED and _is_up(live)
        if held and not plan.waited(claim, Reason.WAITING_FOR_SANDBOXES, self._settings):
            return plan.waits(claim, Reason.WAITING_FOR_SANDBOXES, stopping)
        if live is not None or claim.desired_state == DesiredState.RUNNING:
            live = await self._apply(claim, spec, live)
        account = await self._account(spec) if live is not None else None
        waited = plan.look_of(claim).waited.total_seconds()
        silent = waited > self._settings.operator_silence
        view = seen(live, silent=silent, reachable=account is not None)
        outcome = plan.verdict(claim, view, self._settings, _endpoint(spec, live, account))
        if account is None or account.get("password") == self._password(known):
            return outcome
        return replace(outcome, password=self._seal(claim, account["password"]))

    async def _apply(self, claim: Claim, spec: DatabaseSpec, live: Object | None) -> Object:
        """Apply it, unless this generation has been and only the operator is awaited."""
        body = manifests.cluster(_manifest(claim, spec), live, self._settings)
        if live is not None and plan.is_awaited(claim) and _is_current(live, body):
            return live
        await check_lease(self._database, claim)
        try:
            return await self._cluster.apply(body)
        except ClusterError as error:
            if error.meaning == Meaning.NOT_SERVED:
                raise ClusterError(Meaning.OPERATOR_MISSING, error.status, _MISSING) from error
            raise

    async def _account(self, spec: DatabaseSpec) -> dict[str, str] | None:
        name = manifests.account_secret(spec.k8s_name)
        found = await self._cluster.get(SECRET, spec.k8s_namespace, name)
        data = (found or {}).get("data") or {}
        if not {"username", "password"} <= data.keys():
            return None
        account = {key: base64.b64decode(data[key]).decode() for key in ("username", "password")}
        # A user's cluster may say anything, and Postgres has no NUL.
        odd = any("\0" in value or len(value) > _LONGEST for value in account.values())
        return None if odd else account

    def _password(self, known: Access) -> str | None:
        if known.password is None:
            return None
        return self._keys.open(known.password, "database", known.id, "password")

    def _seal(self, claim: Claim, password: str) -> bytes:
        return self._keys.seal(password, "database", claim.id, "password")


def _is_up(live: Object | None) -> bool:
    """Whether nobody has told it to stop yet."""
    return live is not None and not manifests.component(live).get("stop")


def _is_current(live: Object, body: Object) -> bool:
    stop = manifests.component(body)["stop"]
    return plan.is_applied(live, body) and bool(manifests.component(live).get("stop")) == stop


def _endpoint(
    spec: DatabaseSpec, live: Object | None, account: dict[str, str] | None
) -> Endpoint | None:
    """Where it listens; None leaves what is known, as when it was removed by hand."""
    if account is None:
        return None
    return Endpoint(
        host=manifests.host(spec.k8s_name, spec.k8s_namespace),
        port=manifests.PORT,
        database=manifests.DATABASE,
        username=account["username"],
        observed_version=version(live),
    )


def _manifest(claim: Claim, spec: DatabaseSpec) -> manifests.Database:
    owner = Owner(
        claim.id,
        claim.project_id,
        claim.generation,
        spec.k8s_namespace,
        spec.k8s_name,
        "database",
    )
    return manifests.Database(
        owner=owner,
        stop=claim.desired_state == DesiredState.STOPPED,
        version=spec.version,
        replicas=spec.replicas,
        cpu=spec.cpu,
        memory=spec.memory,
        storage=spec.storage,
    )
