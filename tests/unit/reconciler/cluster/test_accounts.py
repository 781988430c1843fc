"""What the watch of database operators' Secrets tells, and of whose."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from reconciler.cluster.accounts import Accounts
from reconciler.cluster.index import Index
from reconciler.manifests import kubeblocks_v1, kubeblocks_v1alpha1
from reconciler.manifests.database import INSTANCE, Dialect
from reconciler.manifests.identity import RESOURCE
from reconciler.manifests.kinds import Object

OWNER = uuid4()


def meta(name: str, version: int, namespace: str = "mooring", **labels: Any) -> Object:
    """An object as a watch of metadata has it."""
    said = {"name": name, "namespace": namespace, "resourceVersion": str(version), "uid": name}
    return {"metadata": said | {"labels": labels}}


def secret(dialect: Dialect, version: int, cluster: str = "db", **of: str) -> Object:
    return meta(dialect.account_secret(cluster), version, **of, **{INSTANCE: cluster})


def known(dialect: Dialect) -> Accounts:
    """Where the Cluster `db` is ours."""
    index = Index()
    index.heard(dialect.CLUSTER)
    index.saw(dialect.CLUSTER, meta("db", 1, **{RESOURCE: str(OWNER)}))
    return Accounts(index)


def told(accounts: Accounts, *bodies: Object) -> set[UUID]:
    """Who is to be looked at because of a list."""
    listing = accounts.listing()
    for body in bodies:
        listing.page([body])
    return listing.end()


DIALECTS = pytest.mark.parametrize("dialect", [kubeblocks_v1, kubeblocks_v1alpha1])


@DIALECTS
def test_a_secret_of_another_version_has_its_database_looked_at(dialect: Dialect) -> None:
    accounts = known(dialect)
    told(accounts, secret(dialect, 2))

    assert accounts.saw(secret(dialect, 2)) is None
    assert accounts.saw(secret(dialect, 3)) == OWNER
    assert accounts.saw(secret(dialect, 3), gone=True) == OWNER
    assert accounts.saw(secret(dialect, 4)) == OWNER


@DIALECTS
def test_a_list_tells_what_no_event_did(dialect: Dialect) -> None:
    accounts = known(dialect)
    told(accounts, secret(dialect, 2))

    assert told(accounts, secret(dialect, 2)) == set()
    assert told(accounts, secret(dialect, 5)) == {OWNER}
    assert told(accounts) == set()
    assert told(accounts, secret(dialect, 5)) == {OWNER}  # made anew


@DIALECTS
def test_other_secrets_and_those_of_clusters_that_are_not_ours_are_nobodys(
    dialect: Dialect,
) -> None:
    accounts = known(dialect)
    others = [
        secret(dialect, 2, cluster="other"),
        secret(dialect, 3, namespace="elsewhere"),
        meta("db-postgresql-account-kbadmin", 4, **{INSTANCE: "db"}),
        meta(dialect.account_secret("db"), 5),
    ]

    assert told(accounts, *others) == set()
    assert [accounts.saw(one) for one in others] == [None] * 4
    assert accounts.others(set()) == []


def test_the_end_of_one_with_its_database_is_no_news() -> None:
    accounts = known(kubeblocks_v1)
    told(accounts, secret(kubeblocks_v1, 2))
    index = accounts._index
    index.told(OWNER, kubeblocks_v1.CLUSTER, meta("db", 1, **{RESOURCE: str(OWNER)}))

    assert accounts.saw(secret(kubeblocks_v1, 3), gone=True) is None
