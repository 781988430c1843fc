"""A namespace that is not there, that goes, or that is so new that no pod can be made in it."""

from app.domain.reasons import Reason
from reconciler.manifests.kinds import STATEFUL_SET
from tests.integration.reconciler.stage import explains
from tests.kubernetes.plane import CONFIG_MAP
from tests.kubernetes.stage import Stage

HOLD = "test.mooring.dev/hold"


async def test_one_that_is_not_there_is_named_until_it_is(stage: Stage) -> None:
    stage.place.plane.needs_administrator()
    await stage.place.unmake()
    await stage.place.until_unmade()

    async with stage.running():
        await stage.sandbox()
        failed = await stage.shows("ERROR", Reason.NAMESPACE_MISSING)
        # No pod can be made in it before its ServiceAccount is there: that is nobody's error.
        await stage.place.make()
        await stage.shows("RUNNING")

    name = stage.place.name
    explains(failed, f'namespaces "{name}" not found', f"Namespace/{name}")


async def test_one_that_goes_is_told_until_it_is_made_again(stage: Stage) -> None:
    stage.place.plane.needs_administrator()
    held = {"metadata": {"finalizers": [HOLD]}}
    await stage.place.create(CONFIG_MAP, "held", held)
    await stage.place.unmake()

    async with stage.running():
        await stage.sandbox()
        failed = await stage.shows("ERROR", Reason.NAMESPACE_TERMINATING)
        made = await stage.place.list(STATEFUL_SET)
        await stage.place.patch(CONFIG_MAP, "held", {"metadata": {"finalizers": []}})
        await stage.place.until_unmade()
        await stage.shows("ERROR", Reason.NAMESPACE_MISSING)
        await stage.place.make()
        await stage.shows("RUNNING")

    assert "because it is being terminated" in (failed.message or "")
    assert made == []


async def test_one_that_goes_with_a_running_sandbox_in_it_takes_that_along(stage: Stage) -> None:
    stage.place.plane.needs_administrator()

    async with stage.running():
        await stage.sandbox()
        await stage.shows("RUNNING")
        await stage.place.unmake()
        await stage.place.until_unmade()
        await stage.shows("ERROR", Reason.NAMESPACE_MISSING)
        await stage.place.make()
        await stage.shows("RUNNING", Reason.DATA_LOST)
