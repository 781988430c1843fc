"""The Secrets in which a database's operator keeps its account, as a watch tells of them.

Of each no more is asked for than its metadata, and no more is kept than its version: that it is
another one is reason enough for a look. They carry the operator's labels and none of ours, so whose
one is goes by the Cluster that it names, which the index knows; what belongs to none of ours is
forgotten at once, as are the operator's other Secrets.
"""

from collections.abc import Iterable
from uuid import UUID

from reconciler.cluster.index import Index
from reconciler.manifests import kubeblocks_v1, kubeblocks_v1alpha1
from reconciler.manifests.database import INSTANCE, OPERATORS
from reconciler.manifests.kinds import SECRET, Object

_DIALECTS = (kubeblocks_v1, kubeblocks_v1alpha1)
# A Secret: its namespace and name.
_Key = tuple[str, str]


class Accounts:
    """Of the databases whose objects are in `index`."""

    kind = SECRET
    selector = OPERATORS
    bare = True

    def __init__(self, index: Index) -> None:
        self._index = index
        self._versions: dict[_Key, str] = {}

    def listing(self) -> "AccountListing":
        """All there are, as they come."""
        return AccountListing(self)

    def saw(self, body: Object, *, gone: bool = False) -> UUID | None:
        """An event; whose account it is, if it is another one than it was."""
        meta = body["metadata"]
        key, version = (meta.get("namespace", ""), meta["name"]), meta["resourceVersion"]
        before = self._versions.pop(key, None)
        owner = self._owner(body)
        if owner is not None and not gone:
            self._versions[key] = version
        changed = gone or before != version
        return owner if changed and owner and not self._index.is_leaving(owner) else None

    def others(self, there: set[_Key]) -> list[_Key]:
        """Those that are known and not `there`."""
        return [key for key in self._versions if key not in there]

    def forget(self, key: _Key) -> None:
        """There is no such Secret any more."""
        self._versions.pop(key, None)

    def heard(self) -> None:
        """The watch is alive. Nothing is believed because of it: a database whose account may have
        changed unheard is passed now and then all the same."""

    def lost(self) -> None:
        """It is broken."""

    def _owner(self, body: Object) -> UUID | None:
        meta = body["metadata"]
        name = str((meta.get("labels") or {}).get(INSTANCE, ""))
        for dialect in _DIALECTS:
            if meta["name"] == dialect.account_secret(name):
                return self._index.owner_at(dialect.CLUSTER, meta.get("namespace", ""), name)
        return None


class AccountListing:
    """All account Secrets, in pages."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._there: set[_Key] = set()
        self.told: set[UUID] = set()

    def page(self, bodies: Iterable[Object]) -> None:
        """Some of them."""
        for body in bodies:
            self._there.add((body["metadata"].get("namespace", ""), body["metadata"]["name"]))
            owner = self._accounts.saw(body)
            self.told |= {owner} if owner else set()

    def end(self) -> set[UUID]:
        """That was all; whose accounts are others than was known."""
        for key in self._accounts.others(self._there):
            self._accounts.forget(key)
        return self.told
