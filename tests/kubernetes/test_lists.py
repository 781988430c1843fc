"""Lists of metadata alone: whatever the index compares versions of is in them, page by page."""

import pytest

from reconciler.cluster import client
from reconciler.cluster.client import Bounds
from reconciler.cluster.trusted import connect
from reconciler.manifests.kinds import SECRET
from tests.kubernetes.plane import Place


async def test_a_list_of_metadata_says_the_versions_that_a_whole_one_does(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "_PAGE", "2")
    labels = {"test.mooring.dev/listed": "yes"}
    for name in "abcde":
        await place.create(SECRET, f"listed-{name}", {"metadata": {"labels": labels}})
    cluster = await connect(place.kubeconfig, Bounds(30, rate=1000, burst=1000))

    lists = {}
    for bare in (False, True):
        pages = cluster.snapshot(SECRET, place.name, "test.mooring.dev/listed", bare=bare)
        lists[bare] = [page async for page in pages]
    await cluster.close()

    whole = [body["metadata"] for page, _ in lists[False] for body in page]
    bare_ones = [body for page, _ in lists[True] for body in page]
    assert [len(page) for page, _ in lists[True]] == [2, 2, 1]
    assert all(since for _, since in lists[True])
    assert [body["metadata"] for body in bare_ones] == whole
    assert {body["kind"] for body in bare_ones} == {"PartialObjectMetadata"}
    assert not any("type" in body for body in bare_ones)
