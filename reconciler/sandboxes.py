"""Reconciling one sandbox: observe, plan, act; the outcome says when to look again."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial

from app.db import anthropic, databases, environment
from app.db.anthropic import Version
from app.db.claims import Claim
from app.db.databases import Access
from app.db.environment import Sealed
from app.db.rows import Executor
from app.db.sandboxes import SANDBOXES, SandboxSpec
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import DesiredState, Phase
from app.domain.viewer import RECONCILER
from app.secrets.keyring import KeyRing
from app.settings import Settings
from reconciler import definitions, plan, preflight
from reconciler.cluster.client import Cluster
from reconciler.drift import Drift
from reconciler.growth import Disk, grown
from reconciler.inquiry import resolved
from reconciler.manifests import connection, parts, sealos
from reconciler.manifests.identity import Owner
from reconciler.manifests.kinds import POD, STATEFUL_SET, Object, kind_of, title
from reconciler.manifests.namespace import holds
from reconciler.manifests.routes import addresses
from reconciler.manifests.sandbox import objects
from reconciler.manifests.workload import Sandbox, claimed
from reconciler.mending import Mending
from reconciler.observed.sandbox import is_up, needs_pods, seen
from reconciler.observed.view import View
from reconciler.removal import remove, selector, take_away
from reconciler.resources import Superseded, check_lease, make
from reconciler.volumes import Volumes, checked


@dataclass(frozen=True, slots=True)
class _Rows:
    """What a pass makes a sandbox from: its own row, and those of its project."""

    spec: SandboxSpec
    databases: Sequence[Access]
    variables: Sequence[Sealed]
    anthropic: Version | None


class SandboxReconciler:
    """Makes the cluster show what a sandbox's row wants."""

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
            spec = await SANDBOXES.spec(connection, claim.id)
            if spec is None:
                raise Superseded
            goes = claim.desired_state == DesiredState.DELETED
            rows = None if goes else await _rows(connection, claim, spec)
        if rows is None:
            check = partial(check_lease, self._database, claim)
            return await remove(
                self._cluster,
                claim,
                spec.k8s_namespace,
                self._settings,
                check,
                name=spec.k8s_name,
                noted=spec.definitions,
            )
        return await self._hold(claim, rows, drift)

    async def _hold(self, claim: Claim, rows: _Rows, drift: Drift) -> Outcome:
        """RUNNING or STOPPED."""
        spec, index = rows.spec, self._cluster.index
        happened = index.last(claim.id)
        live = await self._cluster.get(STATEFUL_SET, spec.k8s_namespace, spec.k8s_name)
        running = claim.desired_state == DesiredState.RUNNING
        barred = plan.barred(claim, live, self._settings)
        if barred is not None:
            return barred
        awaited = _awaited(rows.databases) if running else None
        down = live is None or not live["spec"].get("replicas")
        if awaited and down and not plan.waited(claim, Reason.WAITING_FOR_DATABASE, self._settings):
            return plan.waits(claim, Reason.WAITING_FOR_DATABASE, [awaited.name])
        if live is not None or running:
            live = await self._apply(claim, rows, live, drift)
        quiet = plan.is_idle(claim) and index.quiet(claim.id, live)
        view = View(claim.phase) if quiet else await self._view(claim, spec.k8s_namespace, live)
        if running and live is not None:
            disk = Disk(spec.k8s_namespace, spec.k8s_name, spec.storage)
            view = await grown(self._cluster, claim, disk, live, view)
        if plan.is_settled(claim, view.phase):
            index.settled(claim.id, happened)
        domain = sealos.domain(claim.server, self._settings)
        where = addresses(spec.k8s_name, domain, self._settings) if live is not None else None
        outcome = plan.verdict(claim, view, self._settings, where)
        outcome = plan.started_without(claim, outcome, awaited.name) if awaited else outcome
        volumes = Volumes(spec.k8s_namespace, selector(claim), spec.volumes, quiet)
        return await checked(self._cluster, claim, volumes, outcome)

    async def _view(self, claim: Claim, namespace: str, live: Object | None) -> View:
        """What is seen."""
        if not claim.was_ready and is_up(live):
            return View(Phase.RUNNING)
        pods: Sequence[Object] = []
        if needs_pods(live):
            pods = await self._cluster.list_all(POD, namespace, selector(claim))
        look = plan.look_of(claim)
        view = seen(live, pods, look, self._settings)
        return await resolved(self._cluster, claim, namespace, view, look)

    async def _apply(self, claim: Claim, rows: _Rows, live: Object | None, drift: Drift) -> Object:
        """Apply everything that is not known to be as it was written."""
        bodies = objects(self._manifest(claim, rows, live), self._settings)
        workload = next(body for body in bodies if body["kind"] == STATEFUL_SET.kind)
        kinds, noted = map(kind_of, bodies), rows.spec.definitions
        if not await definitions.noted(self._database, self._cluster, claim, noted, kinds):
            raise Superseded
        if live is not None and self._is_in_place(claim, bodies, live):
            return live
        await check_lease(self._database, claim)
        await preflight.passed(self._cluster, live, workload)
        gone = parts.unwanted(live, bodies, anew=claim.observed_generation > 0)
        await take_away(self._cluster, claim, rows.spec.k8s_namespace, gone, wanted=bodies)
        if live is not None:
            # An apply makes what somebody removed meanwhile; with its uid it is a conflict.
            workload["metadata"]["uid"] = live["metadata"]["uid"]
        if plan.is_whole(claim):
            mending = Mending(self._cluster, claim, drift, {title(workload): live})
            written = [await mending.apply(body) for body in bodies]
        else:
            written = await self._write(claim, bodies, live)
        return written[bodies.index(workload)]

    def _is_in_place(self, claim: Claim, bodies: Sequence[Object], live: Object) -> bool:
        """Whether all is known to be as it was written; where no watch tells of what is awaited,
        the workload, of which the pass knows anyway, stands for the rest most of the time."""
        index = self._cluster.index
        if claim.failed_generation == claim.generation:
            return False
        if index.holds(claim.id, bodies, live):
            return True
        if all(index.tells(kind_of(body), body["metadata"]["namespace"]) for body in bodies):
            return False
        workload = next(body for body in bodies if body["kind"] == STATEFUL_SET.kind)
        awaited = plan.is_awaited(claim) and not plan.is_compared(claim)
        return awaited and plan.is_applied(live, workload) and holds(live, workload)

    async def _write(
        self, claim: Claim, bodies: Sequence[Object], live: Object | None
    ) -> list[Object]:
        """Apply what is ours to change; somebody else's of a name is never overwritten."""
        complete = live is not None and plan.is_complete(live, claim)
        return [
            await self._cluster.apply(body)
            if parts.is_known(live, body, complete=complete)
            else await make(self._cluster, claim, body)
            for body in bodies
        ]

    def _manifest(self, claim: Claim, rows: _Rows, live: Object | None) -> Sandbox:
        spec = rows.spec
        owner = Owner(
            claim.id,
            claim.project_id,
            claim.generation,
            spec.k8s_namespace,
            spec.k8s_name,
            "sandbox",
            spec.installation,
        )
        return Sandbox(
            owner=owner,
            replicas=int(claim.desired_state == DesiredState.RUNNING),
            project_name=spec.project_name,
            image=spec.image,
            cpu=spec.cpu,
            memory=spec.memory,
            storage=spec.storage,
            ttyd_user=spec.ttyd_user,
            ttyd_password=self._keys.open(spec.ttyd_password, "sandbox", spec.id, "ttyd_password"),
            domain=sealos.domain(claim.server, self._settings),
            confined=self._settings.confines(own=claim.server is not None),
            claimed=claimed(live),
            ports=tuple(spec.ports),
            environment=self._environment(rows),
            databases=tuple(database.k8s_name for database in rows.databases),
        )

    def _environment(self, rows: _Rows) -> tuple[tuple[str, str], ...]:
        """What it runs with beside what Mooring always sets; of equal keys the last one counts."""
        connection = self._connection(rows.databases[0]) if rows.databases else ()
        variables = (self._variable(one) for one in rows.variables)
        return (*self._anthropic(rows.anthropic), *connection, *variables)

    def _anthropic(self, version: Version | None) -> Iterable[tuple[str, str]]:
        """The Anthropic settings that its last start gave it, whatever they are by now."""
        if version is None:
            return ()
        said = self._keys.open(version.value, anthropic.TABLE, version.id, anthropic.COLUMN)
        found: dict[str, str] = json.loads(said)
        return found.items()

    def _variable(self, one: Sealed) -> tuple[str, str]:
        return one.key, self._keys.open(one.value, environment.TABLE, one.id, environment.COLUMN)

    def _connection(self, database: Access) -> tuple[tuple[str, str], ...]:
        """How it reaches the project's first database; nothing until that is known."""
        if database.password is None:
            return ()
        password = self._keys.open(database.password, "database", database.id, "password")
        return connection.environment(database, password)


async def _rows(connection: Executor, claim: Claim, spec: SandboxSpec) -> _Rows:
    """What else it is made from: most sandboxes have little of it, and nobody asks for nothing."""
    return _Rows(
        spec,
        await databases.of_project(connection, claim.project_id, claim.server)
        if spec.has_databases
        else (),
        await environment.of_project(connection, claim.project_id) if spec.has_variables else (),
        await anthropic.of_sandbox(connection, claim.id) if spec.has_anthropic else None,
    )


def _awaited(databases: Sequence[Access]) -> Access | None:
    """The project's first database, when it is to run and nobody knows yet how to reach it."""
    first = next(iter(databases), None)
    if first is None or first.desired_state != DesiredState.RUNNING:
        return None
    return first if first.password is None else None
