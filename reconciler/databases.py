"""Reconciling one database: observe, plan, act; the outcome says when to look again.

It is written in the dialect of the KubeBlocks that the cluster has. The operator makes account and
address; both are read back with every pass, and the password is sealed for its row only when it is
another one. On a stop the sandboxes go first: an application that loses its database before its own
end loses what it was writing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.db import databases, resources
from app.db.claims import Claim
from app.db.databases import DATABASES, Access, DatabaseSpec
from app.db.definitions import UNKNOWN
from app.db.session import Database
from app.domain.observation import Endpoint, Outcome
from app.domain.reasons import Reason
from app.domain.states import DesiredState, Phase
from app.domain.viewer import RECONCILER
from app.secrets.keyring import KeyRing
from app.settings import Settings
from reconciler import access, definitions, dialects, plan
from reconciler.access import Account
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError, Meaning
from reconciler.drift import Drift
from reconciler.manifests import database as manifests
from reconciler.manifests import operations
from reconciler.manifests.database import Dialect
from reconciler.manifests.identity import Owner
from reconciler.manifests.kinds import CLUSTER, OLD_OPS_REQUEST, Kind, Object, title
from reconciler.manifests.namespace import holds
from reconciler.manifests.operations import Step
from reconciler.mending import Mending
from reconciler.observed.database import seen, stopped_elsewhere
from reconciler.observed.view import View
from reconciler.removal import remove
from reconciler.resources import Superseded, check_lease, make
from reconciler.volumes import Volumes, checked

# Characters of a version that are kept: it is what a user's cluster says.
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a pass looks at: its own row, how it is reached, and sandboxes on their way down."""

    spec: DatabaseSpec
    known: Access
    stopping: Sequence[str]


class DatabaseReconciler:
    """Makes the cluster show what a database's row wants."""

    def __init__(
        self, database: Database, cluster: Cluster, keys: KeyRing, settings: Settings
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._keys = keys
        self._settings = settings

    async def reconcile(self, claim: Claim, drift: Drift) -> Outcome:
        """One pass; Superseded or ClusterError when it cannot go on."""
        async with self._database.read(RECONCILER) as connection:
            spec = await DATABASES.spec(connection, claim.id)
            known = await databases.access(connection, claim.id)
            stopping: Sequence[str] = ()
            if claim.desired_state == DesiredState.STOPPED:  # they go first
                stopping = await resources.stopping_sandboxes(connection, claim.project_id)
        if spec is None or known is None:
            raise Superseded
        if claim.desired_state == DesiredState.DELETED:
            check = partial(check_lease, self._database, claim)
            return await remove(
                self._cluster,
                claim,
                spec.k8s_namespace,
                self._settings,
                check,
                name=spec.k8s_name,
                noted=[UNKNOWN] if spec.released else spec.definitions,
                released=spec.released,
            )
        for _ in range(2):  # which release there is may not be as remembered
            dialect = await dialects.spoken(self._cluster)
            if dialect is None:
                break
            try:
                return await self._hold(claim, _Rows(spec, known, stopping), dialect, drift)
            except ClusterError as error:
                if error.meaning is not Meaning.NOT_SERVED:
                    raise
                self._cluster.forget(dialect.CLUSTER.group)
                if await self._cluster.serves(dialect.CLUSTER):
                    raise  # of another kind
        return await self._without_operator(claim, spec)

    async def _without_operator(self, claim: Claim, spec: DatabaseSpec) -> Outcome:
        """Where its Clusters are not served it is absent only if none can be stored."""
        if claim.desired_state == DesiredState.RUNNING:
            raise dialects.missing()
        concealed = await definitions.concealed(self._cluster, CLUSTER.definition, spec.definitions)
        if concealed is not None:
            raise concealed
        return plan.verdict(claim, View(Phase.ABSENT), self._settings, None)

    async def _hold(self, claim: Claim, rows: _Rows, dialect: Dialect, drift: Drift) -> Outcome:
        """RUNNING or STOPPED."""
        index = self._cluster.index
        happened = index.last(claim.id)
        spec, known, stopping = rows.spec, rows.known, rows.stopping
        live = await self._cluster.get(dialect.CLUSTER, spec.k8s_namespace, spec.k8s_name)
        barred = plan.barred(claim, live, self._settings)
        if barred is not None:
            return barred
        up = live is not None and not manifests.is_told_to_stop(live)
        if live is not None and not up and plan.is_stopped_elsewhere(claim):
            if self._settings.database_stopped_elsewhere == "respect":
                return plan.verdict(
                    claim, stopped_elsewhere(live, claim.claimed_at), self._settings, None
                )
            drift.changed.append(title(live))
        held = stopping and claim.desired_state == DesiredState.STOPPED and up
        if held and not plan.waited(claim, Reason.WAITING_FOR_SANDBOXES, self._settings):
            return plan.waits(claim, Reason.WAITING_FOR_SANDBOXES, stopping)
        asked = None
        if live is not None or claim.desired_state == DesiredState.RUNNING:
            live, asked = await self._act(claim, spec, live, dialect, drift)
        account = await self._account(claim, spec, known, dialect) if live is not None else None
        waited = plan.look_of(claim).waited.total_seconds()
        silent = waited > self._settings.operator_silence
        view = seen(live, silent=silent, reachable=account is not None, asked=asked)
        if plan.is_settled(claim, view.phase):
            index.settled(claim.id, happened)
        endpoint = _endpoint(dialect, live, account)
        # The record tells the sandboxes where there is another one.
        moved = endpoint if endpoint != known.endpoint else None
        outcome = plan.verdict(claim, view, self._settings, moved)
        # Its pods carry no label of ours, but its phase tells of them.
        quiet = self._cluster.index.tells(dialect.CLUSTER, spec.k8s_namespace)
        of_it = manifests.of_cluster(spec.k8s_name)
        volumes = Volumes(spec.k8s_namespace, of_it, spec.volumes, quiet)
        outcome = await checked(self._cluster, claim, volumes, outcome)
        if account is None or account.password == self._password(known):
            return outcome
        return replace(outcome, password=self._seal(claim, account.password))

    async def _act(
        self,
        claim: Claim,
        spec: DatabaseSpec,
        live: Object | None,
        dialect: Dialect,
        drift: Drift,
    ) -> tuple[Object | None, Object | None]:
        """Bring it on its way: the Cluster as it is then, and the OpsRequest that is to move it."""
        await self._note(claim, spec, dialect.CLUSTER)
        stop = claim.desired_state == DesiredState.STOPPED
        if dialects.knows_stop(self._cluster):
            try:
                made = _manifest(claim, spec, stop)
                return await self._apply(claim, made, live, dialect, drift), None
            except ClusterError as error:
                if not dialects.refuses_stop(self._cluster, error):
                    raise
        made = _manifest(claim, spec, None)
        step = operations.step(live, stop=stop)
        if step is Step.APPLY:
            return await self._apply(claim, made, live, dialect, drift), None
        if step is Step.WAIT:
            return live, None
        await self._note(claim, spec, OLD_OPS_REQUEST)
        return live, await self._request(claim, made.owner, step)

    async def _apply(
        self,
        claim: Claim,
        made: manifests.Database,
        live: Object | None,
        dialect: Dialect,
        drift: Drift,
    ) -> Object:
        """Apply it, unless all of it is as it was written and only the operator is awaited."""
        *others, body = dialect.objects(made, live, self._settings)
        if live is not None and self._is_in_place(claim, [*others, body], live):
            return live
        await check_lease(self._database, claim)
        if live is not None:
            # An apply makes what somebody removed meanwhile; with its uid it is a conflict.
            body["metadata"]["uid"] = live["metadata"]["uid"]
        if live is not None and (made.stop is None or plan.is_idle(claim)):
            # Not over a stop that has come in between, which may be somebody's.
            body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
        first = live is None or not claim.observed_generation
        mending = Mending(self._cluster, claim, drift, {title(body): live})

        async def write(one: Object) -> Object:
            if plan.is_whole(claim):
                return await mending.apply(one)
            return await self._write(claim, one, first=first)

        for other in others:
            await write(other)
        return await write(body)

    def _is_in_place(self, claim: Claim, bodies: Sequence[Object], live: Object) -> bool:
        """Whether what is awaited is as it was written; the Cluster, of which the pass knows
        anyway, stands for the rights of its pods most of the time."""
        *others, body = bodies
        if not plan.is_awaited(claim) or (others and plan.is_compared(claim)):
            return False
        return _is_current(live, body)

    async def _write(self, claim: Claim, body: Object, *, first: bool) -> Object:
        """Somebody else's object of our name is never overwritten."""
        if first:
            return await make(self._cluster, claim, body)
        return await self._cluster.apply(body)

    async def _note(self, claim: Claim, spec: DatabaseSpec, kind: Kind) -> None:
        if not await definitions.noted(
            self._database, self._cluster, claim, spec.definitions, [kind]
        ):
            raise Superseded

    async def _request(self, claim: Claim, owner: Owner, step: Step) -> Object:
        """Have the operator do it. A request that is over and did not is made anew, one that failed
        ever later: it may have come too early, or somebody has undone it since."""
        name = operations.name(owner, step)
        asked = await self._cluster.get(OLD_OPS_REQUEST, owner.namespace, name)
        if asked is None:
            await check_lease(self._database, claim)
            return await make(self._cluster, claim, operations.request(owner, step))
        if not plan.is_ours(asked, claim):
            raise ClusterError(Meaning.CLASH, 409, plan.CLASH, object=title(asked))
        now = self._cluster.clock or claim.claimed_at
        waited = plan.look_of(claim).waited.total_seconds()
        if operations.is_over(asked) and operations.may_repeat(asked, now, waited):
            await check_lease(self._database, claim)
            await self._cluster.delete(OLD_OPS_REQUEST, asked)
        return asked

    async def _account(
        self, claim: Claim, spec: DatabaseSpec, known: Access, dialect: Dialect
    ) -> Account | None:
        settled = plan.is_observed(claim) and claim.phase == Phase.RUNNING
        return await access.account(self._cluster, dialect, spec, known, settled=settled)

    def _password(self, known: Access) -> str | None:
        if known.password is None:
            return None
        return self._keys.open(known.password, "database", known.id, "password")

    def _seal(self, claim: Claim, password: str) -> bytes:
        return self._keys.seal(password, "database", claim.id, "password")


def _is_current(live: Object, body: Object) -> bool:
    same = manifests.is_told_to_stop(live) == manifests.is_told_to_stop(body)
    return plan.is_applied(live, body) and same and holds(live, body)


def _endpoint(dialect: Dialect, live: Object | None, account: Account | None) -> Endpoint | None:
    """Where it listens; None leaves what is known, as when it was removed by hand."""
    if account is None:
        return None
    return Endpoint(
        host=account.host,
        port=account.port,
        database=manifests.DATABASE,
        username=account.username,
        observed_version=dialect.version(live)[:_LONGEST] or None if live else None,
    )


def _manifest(claim: Claim, spec: DatabaseSpec, stop: bool | None) -> manifests.Database:
    owner = Owner(
        claim.id,
        claim.project_id,
        claim.generation,
        spec.k8s_namespace,
        spec.k8s_name,
        "database",
        spec.installation,
    )
    return manifests.Database(
        owner=owner,
        stop=stop,
        version=spec.version,
        replicas=spec.replicas,
        cpu=spec.cpu,
        memory=spec.memory,
        storage=spec.storage,
    )
