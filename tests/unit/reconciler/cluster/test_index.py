"""What the watches of a cluster have told, and when it is believed."""

import weakref
from copy import deepcopy
from typing import Any
from uuid import UUID

import pytest

from app.settings import Settings
from reconciler.cluster.index import Index
from reconciler.cluster.listing import Listing
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import (
    KINDS,
    POD,
    SECRET,
    SERVICE,
    STATEFUL_SET,
    Kind,
    Object,
    kind_of,
)
from reconciler.manifests.sandbox import objects
from tests.unit.reconciler.sandbox import ID, sandbox

BODIES = objects(sandbox(), Settings())
[SERVICE_BODY] = [body for body in BODIES if body["kind"] == "Service"]
NAMESPACE = SERVICE_BODY["metadata"]["namespace"]
[WORKLOAD] = [body for body in BODIES if body["kind"] == "StatefulSet"]


def live(body: Object, version: int, **meta: Any) -> Object:
    """An object as the API server has it."""
    made = deepcopy(body)
    made["metadata"] |= {"resourceVersion": str(version), "uid": f"u-{body['kind']}"} | meta
    return made


LIVE = live(WORKLOAD, 99)


def pod(version: int, **meta: Any) -> Object:
    labels = WORKLOAD["metadata"]["labels"]
    body = {"kind": "Pod", "metadata": {"name": "p", "namespace": NAMESPACE, "labels": labels}}
    return live(body, version, **meta)


def begun(index: Index, kind: Kind, *bodies: Object) -> set[UUID]:
    """What the list makes known with which a watch begins."""
    listing = Listing(index, kind)
    listing.page(bodies)
    return listing.end()


def watched(silence: float = 3600) -> Index:
    """One that has listed all kinds, and found nothing."""
    index = Index(silence)
    for kind in KINDS:
        begun(index, kind)
    return index


def apply(index: Index, body: Object, version: int) -> None:
    """Apply, and be answered at once."""
    index.applied(body, live(body, version), index.before(body))


def all_applied(silence: float = 3600) -> Index:
    index = watched(silence)
    for number, body in enumerate(BODIES):
        apply(index, body, number)
    return index


def test_what_was_applied_is_known_to_hold_until_another_manifest_is_wanted() -> None:
    index = all_applied()

    assert index.holds(ID, BODIES, LIVE)
    assert not index.holds(ID, objects(sandbox(image="another"), Settings()), LIVE)
    assert not index.holds(UUID(int=9), BODIES, LIVE)


def test_the_echo_of_an_apply_is_no_news_whichever_comes_first() -> None:
    index = watched()
    late = index.before(SERVICE_BODY)

    assert index.saw(SERVICE, live(SERVICE_BODY, 1)) == ID
    index.applied(SERVICE_BODY, live(SERVICE_BODY, 1), late)
    apply(index, WORKLOAD, 2)

    assert index.saw(STATEFUL_SET, live(WORKLOAD, 2)) is None
    assert index.holds(ID, [SERVICE_BODY, WORKLOAD], LIVE)


def test_a_status_is_news_and_changes_nothing_of_what_holds() -> None:
    index = all_applied()

    assert index.saw(STATEFUL_SET, live(WORKLOAD, 50) | {"status": {"replicas": 1}}) == ID
    assert index.holds(ID, BODIES, LIVE)


@pytest.mark.parametrize(
    "changed",
    [
        {"spec": {"ports": []}},
        {"metadata": SERVICE_BODY["metadata"] | {"annotations": {"a": "b"}}},
        {"data": {"x": "y"}},
    ],
)
def test_what_was_changed_by_hand_does_not_hold(changed: Object) -> None:
    index = all_applied()

    assert index.saw(SERVICE, live(SERVICE_BODY | changed, 50)) == ID
    assert not index.holds(ID, BODIES, LIVE)


def test_what_was_changed_by_hand_and_is_not_told_of_yet_does_not_hold() -> None:
    index = all_applied()

    assert not index.holds(ID, BODIES, live(WORKLOAD | {"spec": {"replicas": 5}}, 50))
    assert not index.holds(ID, BODIES, None)


def test_what_was_removed_or_made_anew_does_not_hold() -> None:
    index = all_applied()

    assert index.saw(SERVICE, live(SERVICE_BODY, 50), gone=True) == ID
    removed = index.holds(ID, BODIES, LIVE)
    index.saw(SERVICE, live(SERVICE_BODY, 51, uid="another"))

    assert not removed
    assert not index.holds(ID, BODIES, LIVE)


@pytest.mark.parametrize("label", [{}, {RESOURCE: str(UUID(int=9))}], ids=["none", "another's"])
def test_an_object_whose_label_is_taken_off_is_missing_to_whose_it_was(label: Object) -> None:
    index = all_applied()

    told = index.saw(SERVICE, live(SERVICE_BODY, 50, labels=label))

    assert told == ID
    assert not index.holds(ID, BODIES, LIVE)
    assert SERVICE not in {kind for kind, _ in index.objects(ID, NAMESPACE)}


def test_an_object_whose_label_we_give_back_is_nobody_elses_any_more() -> None:
    index, other = all_applied(), UUID(int=9)
    index.saw(SERVICE, live(SERVICE_BODY, 50, labels={RESOURCE: str(other)}))

    apply(index, SERVICE_BODY, 51)

    assert index.holds(ID, BODIES, LIVE)
    assert index.objects(other, NAMESPACE) == []


def test_a_copy_in_another_namespace_is_another_object_and_goes_with_nobody() -> None:
    index = all_applied()

    index.saw(SERVICE, live(SERVICE_BODY, 50, namespace="elsewhere", uid="copy"))

    assert index.holds(ID, BODIES, LIVE)
    assert "copy" not in {body["metadata"]["uid"] for _, body in index.objects(ID, NAMESPACE)}


def test_of_a_namespace_that_is_not_watched_nothing_is_known() -> None:
    index = Index()
    index.covers("elsewhere")
    for kind in KINDS:
        begun(index, kind)

    for number, body in enumerate(BODIES):
        apply(index, body, number)

    assert not index.holds(ID, BODIES, LIVE)


def test_an_answer_that_was_overtaken_is_not_believed() -> None:
    index = watched()

    before = index.before(SERVICE_BODY)
    index.saw(SERVICE, live(SERVICE_BODY, 1))
    index.saw(SERVICE, live(SERVICE_BODY, 2), gone=True)
    index.applied(SERVICE_BODY, live(SERVICE_BODY, 1), before)

    assert not index.holds(ID, [SERVICE_BODY], LIVE)
    assert index.objects(ID, NAMESPACE) == []


def test_a_watch_that_broke_or_fell_silent_is_not_believed() -> None:
    broken, silent = all_applied(), all_applied(silence=0)

    broken.lost(SERVICE)

    assert not broken.holds(ID, BODIES, LIVE)
    assert not silent.holds(ID, BODIES, LIVE)


def test_a_list_tells_of_those_whose_objects_are_others() -> None:
    index = all_applied()
    index.lost(SERVICE)

    same = begun(index, SERVICE, live(SERVICE_BODY, BODIES.index(SERVICE_BODY)))
    held = index.holds(ID, BODIES, LIVE)
    vanished = begun(index, SERVICE)

    assert same == set()
    assert held
    assert vanished == {ID}
    assert not index.holds(ID, BODIES, LIVE)


def test_it_is_quiet_while_nothing_happens_after_a_look_that_found_it_settled() -> None:
    index = all_applied()
    index.saw(POD, pod(20))
    workload = live(WORKLOAD, BODIES.index(WORKLOAD))
    began = index.last(ID)
    never_looked = index.quiet(ID, workload)

    index.settled(ID, began)
    quiet = index.quiet(ID, workload)
    unheard = index.quiet(ID, live(WORKLOAD, 90))
    index.saw(POD, pod(21))

    assert (never_looked, quiet, unheard) == (False, True, False)
    assert not index.quiet(ID, workload)


def test_what_happens_during_a_look_is_not_settled_by_it() -> None:
    index = all_applied()
    began = index.last(ID)

    index.saw(POD, pod(21))
    index.settled(ID, began)

    assert not index.quiet(ID, live(WORKLOAD, BODIES.index(WORKLOAD)))


def test_of_a_resource_that_was_told_to_go_only_the_end_is_news() -> None:
    index = all_applied()
    index.saw(POD, pod(20))
    for kind, body in index.objects(ID, NAMESPACE):
        if kind is not POD:
            index.told(ID, kind, body)
    leaving = index.is_leaving(ID)

    on_the_way = [
        index.saw(kind_of(body), live(body, 60), gone=True)
        for body in BODIES
        if kind_of(body) is not STATEFUL_SET
    ]
    workload = index.saw(STATEFUL_SET, live(WORKLOAD, 70), gone=True)
    last = index.saw(POD, pod(71), gone=True)

    assert leaving
    assert set(on_the_way) == {None}
    assert (workload, last) == (ID, ID)
    assert not index.is_leaving(ID)


def test_what_is_made_anew_while_the_rest_goes_is_news() -> None:
    index = all_applied()
    for kind, body in index.objects(ID, NAMESPACE):
        index.told(ID, kind, body)

    assert index.saw(SECRET, live(BODIES[0], 80, uid="another")) == ID
    assert not index.is_leaving(ID)


def test_what_nobody_watches_takes_no_memory() -> None:
    index = Index()

    for number, body in enumerate(BODIES):
        apply(index, body, number)

    assert index.objects(ID, NAMESPACE) == []
    assert not index.holds(ID, BODIES, LIVE)


def still() -> Index:
    """One to which all was applied, which a look has found settled."""
    index = all_applied()
    index.saw(POD, pod(20))
    index.settled(ID, index.last(ID))
    return index


def test_it_is_still_after_a_look_until_something_happens_or_that_is_long_ago() -> None:
    never, index = all_applied(), still()
    never.saw(POD, pod(20))

    looked = index.is_still(ID, 3600)
    long_ago = index.is_still(ID, 0)
    index.saw(POD, pod(21))

    assert looked
    assert not long_ago
    assert not never.is_still(ID, 3600)
    assert not index.is_still(ID, 3600)
    assert not index.is_still(UUID(int=9), 3600)


@pytest.mark.parametrize("kind", [POD, SERVICE], ids=lambda kind: kind.kind)
def test_it_is_not_known_to_be_still_while_a_watch_is_not_believed(kind: Kind) -> None:
    index = still()

    index.lost(kind)

    assert not index.is_still(ID, 3600)


def listing(index: Index, kind: Kind, *bodies: Object) -> set[UUID]:
    """What a list beside the watch makes known."""
    compared = Listing(index, kind, meanwhile=True)
    compared.page(bodies)
    return compared.end()


def test_the_list_with_which_a_watch_begins_holds_no_page() -> None:
    class Body(dict[str, Any]):
        """An object whose end can be seen."""

    index, body = Index(), Body(live(SERVICE_BODY, 1))
    begins = Listing(index, SERVICE)
    held = weakref.ref(body)

    begins.page([body])
    del body

    assert held() is None
    assert begins.end() == {ID}
    assert index.tells(SERVICE, NAMESPACE)


def bare(body: Object) -> Object:
    """What a list of metadata has of it."""
    return {"kind": "PartialObjectMetadata", "metadata": body["metadata"]}


def test_a_list_of_metadata_finds_what_a_whole_one_would_and_changes_nothing() -> None:
    index = still()
    same = live(SERVICE_BODY, BODIES.index(SERVICE_BODY))
    nameless = live(SERVICE_BODY, 50, labels={})

    def found(*bodies: Object) -> bool:
        compared = Listing(index, SERVICE, meanwhile=True)
        compared.page(map(bare, bodies))
        return compared.finds()

    assert not found(same)
    assert found()
    assert found(live(SERVICE_BODY, 50))
    assert found(nameless)
    assert found(same, live(SERVICE_BODY, 51, name="another"))
    assert index.is_still(ID, 3600)


def test_a_list_of_metadata_is_older_than_what_the_watch_tells_meanwhile() -> None:
    index = still()
    compared = Listing(index, SERVICE, meanwhile=True)

    index.saw(SERVICE, live(SERVICE_BODY, 50))
    compared.page([bare(live(SERVICE_BODY, BODIES.index(SERVICE_BODY)))])

    assert not compared.finds()


@pytest.mark.parametrize("found", [[], [live(SERVICE_BODY | {"spec": {}}, 50)]])
def test_a_list_beside_the_watch_finds_what_that_did_not_tell(found: list[Object]) -> None:
    index = still()

    same = listing(index, SERVICE, live(SERVICE_BODY, BODIES.index(SERVICE_BODY)))
    believed = index.is_still(ID, 3600)
    others = listing(index, SERVICE, *found)

    assert (same, others) == (set(), {ID})
    assert believed
    assert not index.is_still(ID, 3600)
    assert not index.holds(ID, BODIES, LIVE)


def test_a_list_beside_the_watch_is_older_than_what_that_tells_meanwhile() -> None:
    index = still()
    compared = Listing(index, SERVICE, meanwhile=True)

    index.saw(SERVICE, live(SERVICE_BODY, 50))
    compared.page([live(SERVICE_BODY, BODIES.index(SERVICE_BODY))])

    assert compared.end() == set()
    assert not listing(index, SERVICE, live(SERVICE_BODY, 50))


def test_what_is_made_while_a_list_comes_is_not_missing_in_it() -> None:
    index = watched()
    compared = Listing(index, SERVICE, meanwhile=True)

    apply(index, SERVICE_BODY, 1)
    compared.page([])

    assert compared.end() == set()
    assert [kind for kind, _ in index.objects(ID, NAMESPACE)] == [SERVICE]


def test_a_list_beside_the_watch_says_nothing_of_whether_that_lives() -> None:
    index = still()
    index.lost(SERVICE)

    listing(index, SERVICE, live(SERVICE_BODY, BODIES.index(SERVICE_BODY)))

    assert not index.trusts([SERVICE])
