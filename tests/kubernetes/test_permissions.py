"""What a credential may not do is named, by verb and kind, until somebody allows it."""

from collections.abc import Iterable

import pytest

from app.domain.reasons import Reason
from app.domain.states import DesiredState
from reconciler.manifests.permissions import Need, needed
from tests.integration.reconciler.stage import explains
from tests.kubernetes.plane import Json
from tests.kubernetes.stage import Stage

ROBOT = "robot"


def rules(needs: Iterable[Need], *without: str) -> list[Json]:
    """A Role's rules: each of these things but `without`, given as `verb resource`."""
    return [
        {"apiGroups": [need.kind.group], "resources": [need.kind.plural], "verbs": [need.verb]}
        for need in needs
        if f"{need.verb} {need.kind.plural}" not in without
    ]


@pytest.mark.parametrize(
    "lacking",
    [
        "get statefulsets",
        "create pods",
        "patch secrets",
        "create services",
        "patch statefulsets",
        "create ingresses",
        "patch networkpolicies",
    ],
)
async def test_a_role_that_lacks_a_verb_is_told_until_it_has_it(stage: Stage, lacking: str) -> None:
    stage.place.plane.needs_administrator()
    needs = needed(stage.settings())
    await stage.place.allow(ROBOT, rules(needs, lacking))
    verb, resource = lacking.split()

    async with stage.running(await stage.place.credential(ROBOT), watch=False):
        await stage.sandbox()
        failed = await stage.shows("ERROR", Reason.PERMISSION_MISSING)
        await stage.place.allow(ROBOT, rules(needs))
        await stage.shows("RUNNING")

    explains(failed, f'cannot {verb} resource "{resource}"', "")


async def test_a_credential_that_may_only_read_makes_nothing_and_says_so(stage: Stage) -> None:
    stage.place.plane.needs_administrator()
    everything = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]}
    await stage.place.allow(ROBOT, [everything])

    async with stage.running(await stage.place.credential(ROBOT)):
        await stage.sandbox()
        failed = await stage.shows("ERROR", Reason.PERMISSION_MISSING)
        await stage.place.allow(ROBOT, [everything | {"verbs": ["*"]}])
        await stage.shows("RUNNING")

    explains(failed, "cannot create", "")


async def test_a_deletion_that_is_not_allowed_says_so_and_goes_on_once_it_is(stage: Stage) -> None:
    stage.place.plane.needs_administrator()
    needs = needed(stage.settings())
    await stage.place.allow(ROBOT, rules(needs))

    async with stage.running(await stage.place.credential(ROBOT), watch=False) as loop:
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        await stage.place.allow(ROBOT, rules(needs, "delete secrets"))
        await stage.want(project, DesiredState.DELETED, loop)
        failed = await stage.shows("ERROR", Reason.PERMISSION_MISSING)
        await stage.place.allow(ROBOT, rules(needs))
        await stage.gone()

    explains(failed, 'cannot delete resource "secrets"', f"Secret/{project.name}-env")


async def test_a_revoked_credential_leaves_what_runs_and_a_new_one_goes_on(stage: Stage) -> None:
    stage.place.plane.needs_administrator()
    needs = needed(stage.settings())
    await stage.place.allow(ROBOT, rules(needs))

    async with stage.running(await stage.place.credential(ROBOT), watch=False, recheck=0.5):
        project = await stage.sandbox()
        await stage.shows("RUNNING")
        await stage.place.revoke(ROBOT)
        blind = await stage.shows("RUNNING", Reason.CREDENTIAL_REJECTED)
    async with stage.running(await stage.place.credential(ROBOT), watch=False) as loop:
        await stage.shows("RUNNING")
        await stage.want(project, DesiredState.DELETED, loop)
        await stage.gone()

    explains(blind, "Unauthorized", "")
