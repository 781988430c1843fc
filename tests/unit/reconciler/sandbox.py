"""A claimed sandbox as the tests of planning and manifests use it."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.db.claims import Claim
from app.domain.states import DesiredState, Lane, Phase, ResourceKind
from app.domain.steadiness import Steadiness
from reconciler.manifests.identity import Owner
from reconciler.manifests.workload import Sandbox

ID = UUID(int=1)
NOW = datetime(2026, 1, 31, tzinfo=UTC)


def claim(
    *,
    desired: DesiredState = DesiredState.RUNNING,
    phase: Phase = Phase.STARTING,
    generation: int = 2,
    observed: int = 2,
    since: timedelta = timedelta(seconds=1),
    asked: timedelta = timedelta(seconds=1),
    failed: bool = False,
    reason: str | None = None,
    attempts: int = 0,
    lane: Lane = Lane.ASKED,
    changed: timedelta = timedelta(0),
    steadiness: Steadiness | None = None,
    at: datetime = NOW,
) -> Claim:
    """A claim of it, `since` so long in `phase`, wanted so since `asked`."""
    return Claim(
        id=ID,
        project_id=UUID(int=2),
        account_id=UUID(int=3),
        kind=ResourceKind.SANDBOX,
        name="app",
        desired_state=desired,
        generation=generation,
        generation_since=NOW - asked,
        desired_generation=generation,
        phase=phase,
        phase_since=NOW - since,
        was_ready=False,
        observed_generation=observed,
        failed_generation=generation if failed else None,
        reason=reason,
        object=None,
        since=None,
        attempts=attempts,
        asked=1,
        lane=lane,
        lease_token=UUID(int=4),
        claims=1,
        crashes=0,
        claimed_at=at,
        due_at=at - asked,
        updated_at=at - changed,
        **asdict(steadiness or Steadiness()),
    )


def sandbox(**changed: object) -> Sandbox:
    """What its manifests are made from."""
    owner = Owner(ID, UUID(int=2), 2, "mooring", "shop-abcdefgh", "sandbox")
    values: dict[str, object] = {
        "owner": owner,
        "replicas": 1,
        "project_name": "Shop",
        "image": "registry.invalid/sandbox:1",
        "cpu": "2",
        "memory": "4Gi",
        "storage": "10Gi",
        "ttyd_user": "mooring",
        "ttyd_password": "not for any log",
        "domain": "example.test",
        "confined": True,
    }
    return Sandbox(**(values | changed))  # type: ignore[arg-type]
