"""Reconciling one sandbox: observe, plan, act; the outcome says when to look again."""

from functools import partial

from app.db import sandboxes
from app.db.claims import Claim
from app.db.sandboxes import SandboxSpec
from app.db.session import Database
from app.domain.observation import Outcome
from app.domain.reasons import Reason
from app.domain.states import DesiredState
from app.secrets.keyring import KeyRing
from app.settings import Settings
from reconciler import plan
from reconciler.cluster.client import Cluster
from reconciler.inquiry import resolved
from reconciler.manifests.identity import Owner
from reconciler.manifests.kinds import POD, STATEFUL_SET, Object
from reconciler.manifests.routes import addresses
from reconciler.manifests.sandbox import objects
from reconciler.manifests.workload import Sandbox, probe_pod
from reconciler.observed.sandbox import seen
from reconciler.removal import remove, selector
from reconciler.resources import Superseded, check_lease


class SandboxReconciler:
    """Makes the cluster show what a sandbox's row wants."""

    def __init__(
        self, database: Database, cluster: Cluster, keys: KeyRing, settings: Settings
    ) -> None:
        self._database = database
        self._cluster = cluster
        self._keys = keys
        self._settings = settings

    async def reconcile(self, claim: Claim) -> Outcome:
        """One pass; Superseded or ClusterError when it cannot go on."""
        async with self._database.read() as connection:
            spec = await sandboxes.spec(connection, claim.id)
        if spec is None:
            raise Superseded
        if claim.desired_state == DesiredState.DELETED:
            check = partial(check_lease, self._database, claim)
            return await remove(self._cluster, claim, spec.k8s_namespace, self._settings, check)
        return await self._hold(claim, spec)

    async def _hold(self, claim: Claim, spec: SandboxSpec) -> Outcome:
        """RUNNING or STOPPED."""
        live = await self._cluster.get(STATEFUL_SET, spec.k8s_namespace, spec.k8s_name)
        running = claim.desired_state == DesiredState.RUNNING
        if live is not None and not plan.is_ours(live, claim):
            return plan.clash(claim, live, self._settings)
        if live is not None and plan.is_newer(live, claim):
            newer = Reason.NEWER_GENERATION
            return plan.interrupted(claim, newer, plan.NEWER, self._settings)
        if live is not None or running:
            live = await self._apply(claim, spec, live)
        pods = await self._cluster.list_all(POD, spec.k8s_namespace, selector(claim))
        look = plan.look_of(claim)
        view = seen(live, pods, look, self._settings)
        view = await resolved(self._cluster, claim, spec.k8s_namespace, view, look)
        where = addresses(spec.k8s_name, self._settings) if live is not None else None
        return plan.verdict(claim, view, self._settings, where)

    async def _apply(self, claim: Claim, spec: SandboxSpec, live: Object | None) -> Object:
        """Apply everything, unless this generation has been and only the cluster is awaited."""
        bodies = objects(self._manifest(claim, spec), self._settings)
        workload = next(body for body in bodies if body["kind"] == STATEFUL_SET.kind)
        if live is not None and plan.is_awaited(claim) and plan.is_current(live, workload):
            return live
        await check_lease(self._database, claim)
        if plan.makes_pod(live, workload):
            await self._cluster.admit(probe_pod(workload))
        for body in bodies:
            applied = await self._cluster.apply(body)
            live = applied if body is workload else live
        assert live is not None
        return live

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
