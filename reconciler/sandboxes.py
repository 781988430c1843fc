"""Reconciling one sandbox: observe, plan, act; the outcome says when to look again."""

from datetime import timedelta

from app.db import claims, sandboxes
from app.db.claims import Claim
from app.db.sandboxes import SandboxSpec
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.states import DesiredState, Phase
from app.secrets.keyring import KeyRing
from app.settings import Settings
from reconciler import plan
from reconciler.cluster.client import Cluster
from reconciler.cluster.errors import ClusterError
from reconciler.manifests.identity import RESOURCE, Owner
from reconciler.manifests.kinds import KINDS, POD, STATEFUL_SET, Kind, Object
from reconciler.manifests.routes import addresses
from reconciler.manifests.sandbox import objects
from reconciler.manifests.workload import Sandbox, probe_pod

_AGAIN = timedelta(seconds=1)


class Superseded(Exception):  # noqa: N818 - no error: somebody else has the row, or wants more
    """The row is another's, or its generation has moved on: write nothing."""


class SandboxReconciler:
    """Makes the cluster show what a sandbox's row wants."""

    def __init__(
        self, database: Database, cluster: Cluster, keys: KeyRing, settings: Settings
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._keys = keys
        self._settings = settings

    async def reconcile(self, claim: Claim) -> Outcome | None:
        """One pass; None: the row is another's by now, or wants something else."""
        async with self._database.read() as connection:
            spec = await sandboxes.spec(connection, claim.id)
        try:
            if spec is None:
                raise Superseded
            if claim.desired_state == DesiredState.DELETED:
                return await self._remove(claim, spec)
            return await self._hold(claim, spec)
        except ClusterError as error:
            return plan.refused(claim, error, self._settings)
        except Superseded:
            return None

    async def _hold(self, claim: Claim, spec: SandboxSpec) -> Outcome:
        """RUNNING or STOPPED."""
        live = await self._cluster.get(STATEFUL_SET, spec.k8s_namespace, spec.k8s_name)
        running = claim.desired_state == DesiredState.RUNNING
        if live is not None and not plan.is_ours(live, claim):
            return plan.clash(claim, live)
        if live is not None and plan.is_newer(live, claim):
            return plan.interrupted(claim, "NewerGeneration", plan.NEWER)
        if live is not None or running:
            live = await self._apply(claim, spec, live)
        pods = await self._cluster.list_all(POD, spec.k8s_namespace, _selector(claim))
        where = addresses(spec.k8s_name, self._settings) if live is not None else None
        return plan.verdict(claim, plan.seen(live, pods), self._settings, where)

    async def _apply(self, claim: Claim, spec: SandboxSpec, live: Object | None) -> Object:
        """Apply everything, unless this generation has been and only the cluster is awaited."""
        bodies = objects(self._manifest(claim, spec), self._settings)
        workload = next(body for body in bodies if body["kind"] == STATEFUL_SET.kind)
        if live is not None and plan.is_awaited(claim) and plan.is_current(live, workload):
            return live
        await self._check_lease(claim)
        if live is None:
            await self._cluster.admit(probe_pod(workload))
        for body in bodies:
            applied = await self._cluster.apply(body)
            live = applied if body is workload else live
        assert live is not None
        return live

    async def _remove(self, claim: Claim, spec: SandboxSpec) -> Outcome:
        """Delete what there is; gone only when a list over all kinds was empty."""
        left = await self._all(claim, spec.k8s_namespace)
        if not left:
            return Outcome(claim.generation, _AGAIN, phase=Phase.GONE, gone=True)
        await self._check_lease(claim)
        for kind, body in left:
            # Pods go with their workload, in its order.
            if kind is not POD and "deletionTimestamp" not in body["metadata"]:
                await self._cluster.delete(kind, body)
        blocked = plan.blocked([(kind.kind, body) for kind, body in left])
        return plan.verdict(claim, blocked, self._settings, None)

    async def _all(self, claim: Claim, namespace: str) -> list[tuple[Kind, Object]]:
        return [
            (kind, body)
            for kind in KINDS
            for body in await self._cluster.list_all(kind, namespace, _selector(claim))
        ]

    async def _check_lease(self, claim: Claim) -> None:
        async with self._database.read() as connection:
            if not await claims.still_current(connection, claim):
                raise Superseded

    def _manifest(self, claim: Claim, spec: SandboxSpec) -> Sandbox:
        owner = Owner(
            claim.id,
            claim.project_id,
            claim.generation,
            spec.k8s_namespace,
            spec.k8s_name,
            "sandbox",
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
        )


def _selector(claim: Claim) -> str:
    return f"{RESOURCE}={claim.id}"
