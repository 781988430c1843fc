"""The way to a kind, and back from there."""

import pytest

from reconciler.manifests.kinds import KINDS, Kind, kind_at


@pytest.mark.parametrize("kind", KINDS)
def test_the_path_of_a_kind_leads_back_to_it(kind: Kind) -> None:
    # A namespace, and an object, may have any kind's name.
    for other in KINDS:
        assert kind_at(kind.path("")) == kind
        assert kind_at(kind.path("", other.plural)) == kind
        assert kind_at(kind.path(other.plural)) == kind
        assert kind_at(kind.path(other.plural, other.plural)) == kind


@pytest.mark.parametrize("path", ["/version", "/apis/apps.kubeblocks.io/v1", "/apis/x.io/v1/pods"])
def test_what_is_no_kind_of_ours_has_none(path: str) -> None:
    assert kind_at(path) is None
