"""The clusters that passes go to: the operator's, and one for each account that brings its own.

A client of a user's cluster is made when a pass needs it, from the credential that the account has
then, and given up when that is another, when nobody needed it for a while, when the server could
not be reached, and after some minutes in any case: each new one resolves the server's name again
and judges its addresses. Where nothing is made from a present credential any more, a pass ends with
CredentialMismatch. Each credential has a circuit of its own, and an account that brings a cluster
few passes at once, fewer still while that does not answer: so it delays only its own rows.
"""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

import structlog

from app.db import inspections
from app.db.claims import Claim
from app.db.credentials import COLUMN, TABLE
from app.db.inspections import Present
from app.db.session import AWAY, Database
from app.domain.addresses import AddressRules
from app.domain.kubeconfig import Kubeconfig
from app.domain.settings import CredentialState
from app.domain.viewer import RECONCILER
from app.secrets.keyring import KeyRing
from app.settings import Settings
from reconciler import metrics
from reconciler.circuit import ELSEWHERE, Circuit
from reconciler.cluster import vetted
from reconciler.cluster.answers import nonsense
from reconciler.cluster.client import Bounds, Cluster
from reconciler.cluster.errors import ClusterError, Meaning

log = structlog.get_logger(__name__)

# Seconds: the longest that a client lives, and that nobody needs it.
_OLD, _IDLE = 600.0, 120.0
# Passes at once in a user's cluster while that cannot be reached.
_MOST_AWAY = 1
# Seconds for which the addresses of the operator's cluster are taken to stay.
_OWN_LASTS = 60.0
# What reading a nonsensical answer raises.
NONSENSE = (KeyError, TypeError, AttributeError, ValueError, IndexError)


@dataclass(slots=True)
class _Client:
    """A client, and how many passes use it; the last one closes it once it is `over`."""

    cluster: Cluster
    made: float
    used: float
    users: int = 0
    over: bool = False


@dataclass(slots=True)
class _Home:
    """An account's cluster through one credential; `gone`: another has its place by now."""

    credential: tuple[UUID, int]
    circuit: Circuit
    gone: bool = False
    client: _Client | None = None
    making: asyncio.Lock = field(default_factory=asyncio.Lock)


class Clusters:
    """The operator's cluster is open already; those of users are opened here."""

    def __init__(
        self, operator: Cluster, database: Database, keys: KeyRing, settings: Settings
    ) -> None:
        self._operator = operator
        self._database = database
        self._keys = keys
        self._settings = settings
        self._circuit = Circuit(settings.retry_longest / 2)
        self._homes: dict[UUID, _Home] = {}
        self._own: tuple[float, AddressRules] | None = None
        self._swept = 0.0

    async def close(self) -> None:
        """Close the clients of users' clusters; the operator's is its maker's."""
        for home in self._homes.values():
            await _retire(home)

    def most(self, account_id: UUID, usual: int) -> int:
        """How many passes of an account may be under way at once."""
        home = self._homes.get(account_id)
        if home is None:
            return usual
        return min(usual, _MOST_AWAY if home.circuit.doubtful else self._settings.kubeconfig_slots)

    def held(self, claim: Claim) -> timedelta | None:
        """For how long the cluster that a row is in is not asked; None while it is."""
        if claim.server is None:
            return self._circuit.held()
        home = self._homes.get(claim.account_id)
        return home.circuit.held() if home else None

    def breakers(self) -> Counter[tuple[str, str]]:
        """How many circuits are in which state, by whose clusters."""
        users = Counter((metrics.USERS, home.circuit.state) for home in self._homes.values())
        users[metrics.OPERATORS, self._circuit.state] += 1
        return users

    @asynccontextmanager
    async def of(self, claim: Claim) -> AsyncIterator[Cluster]:
        """The cluster that a row is in; ClusterError when it is known not to answer, or when the
        account's credential is for another one."""
        if claim.server is None:
            with _counted(self._circuit, claim):
                yield self._operator
            return
        async with self._database.read(RECONCILER) as connection:
            present = await inspections.present(connection, claim.account_id)
        if present is None or (present.server, present.k8s_namespace) != (
            claim.server,
            claim.namespace,
        ):
            raise _mismatch(claim, present)
        home = await self._home(claim.account_id, present)
        try:
            with _counted(home.circuit, claim):
                async with self._client(home, present) as cluster:
                    yield cluster
        except ClusterError as error:
            await self._tell(claim, present, error)
            raise
        except NONSENSE as error:
            kind = type(error).__name__  # its words may be the cluster's
            log.warning("a user's cluster answers nonsense", resource=str(claim.id), error=kind)
            raise nonsense() from error

    async def works(self, account_id: UUID) -> None:
        """An account's credential was looked at and is good: whatever is remembered goes."""
        home = self._homes.pop(account_id, None)
        if home is not None:
            await _retire(home)

    async def fresh(
        self, sealed: bytes, credential_id: UUID, *, pages: int = vetted.PAGES
    ) -> Cluster:
        """A client of its own for a look at a credential: resolved, judged and connected anew.

        ClusterError when that cannot be. pages: those that a list of it may have.
        """
        opened = self._keys.open(sealed, TABLE, credential_id, COLUMN)
        rules = await self._rules()
        bounds = Bounds(
            self._settings.cluster_timeout,
            self._settings.cluster_rate,
            self._settings.cluster_burst,
            vetted.LONGEST,
            vetted.PARTS,
            pages,
        )
        return await vetted.connect(Kubeconfig.load(opened), rules, bounds)

    async def _home(self, account_id: UUID, present: Present) -> _Home:
        await self._sweep()
        credential = (present.id, present.generation)
        home = self._homes.get(account_id)
        if home is None or home.credential != credential:
            old, home = home, _Home(credential, self._strict_circuit())
            self._homes[account_id] = home
            if old is not None:
                await _retire(old)
        return home

    def _strict_circuit(self) -> Circuit:
        return Circuit(self._settings.retry_longest / 2, strict=True)

    @asynccontextmanager
    async def _client(self, home: _Home, present: Present) -> AsyncIterator[Cluster]:
        async with home.making:
            client = home.client
            if client is not None and time.monotonic() - client.made > _OLD:
                await _end(home)
                client = None
            if client is None:
                now = time.monotonic()
                client = _Client(await self.fresh(present.model, present.id), now, now)
                home.client = client
        client.users += 1
        try:
            yield client.cluster
        except ClusterError as error:
            if error.meaning in ELSEWHERE and home.client is client:
                await _end(home)  # its name may lead elsewhere by now
            raise
        finally:
            client.users -= 1
            client.used = time.monotonic()
            client.over = client.over or home.gone
            if client.over and not client.users:
                await client.cluster.close()

    async def _sweep(self) -> None:
        """Give up what nobody needs."""
        now = time.monotonic()
        if now - self._swept < _IDLE / 2:
            return
        self._swept = now
        for account_id, home in list(self._homes.items()):
            client = home.client
            if client is not None and (client.users or now - client.used < _IDLE):
                continue
            if home.circuit.doubtful or home.making.locked():
                await _end(home)
            elif self._homes.get(account_id) is home:
                del self._homes[account_id]
                await _retire(home)

    async def _rules(self) -> AddressRules:
        """Where users' kubeconfigs may lead, with the operator's cluster as it is found now."""
        now = time.monotonic()
        if self._own is None or now - self._own[0] > _OWN_LASTS:
            host = self._operator.host
            try:
                async with asyncio.timeout(self._settings.cluster_timeout):
                    own = frozenset(await vetted.lookup(host, 0, ours=True))
            except (OSError, TimeoutError) as error:
                # Unknown, it could not be refused.
                said = "Mooring cannot look up names now."
                raise ClusterError(Meaning.UNAVAILABLE, 0, said) from error
            rules = AddressRules(
                tuple(self._settings.kubeconfig_allowed_networks),
                self._settings.kubeconfig_own_cluster,
                own,
                frozenset({host}),
            )
            self._own = (now, rules)
        return self._own[1]

    async def _tell(self, claim: Claim, present: Present, error: ClusterError) -> None:
        """Have a credential that was good and is rejected looked at: its owner is to hear of it."""
        if error.meaning is not Meaning.UNAUTHORIZED or present.state is not CredentialState.READY:
            return
        with suppress(*AWAY):
            async with self._database.autocommit(RECONCILER) as connection:
                await inspections.ask(connection, claim.account_id)


async def _retire(home: _Home) -> None:
    home.gone = True
    await _end(home)


async def _end(home: _Home) -> None:
    client, home.client = home.client, None
    if client is not None:
        client.over = True
        if not client.users:
            await client.cluster.close()


@contextmanager
def _counted(circuit: Circuit, claim: Claim) -> Iterator[None]:
    """What becomes of a pass moves the circuit; one that is open refuses it."""
    known = circuit.refusal(claim)
    if known is not None:
        raise known
    with circuit.asking(claim):
        yield


def _mismatch(claim: Claim, present: Present | None) -> ClusterError:
    now = (
        "there is no kubeconfig any more"
        if present is None
        else f"the kubeconfig names namespace {present.k8s_namespace} of {present.server}"
    )
    said = (
        f"It is in namespace {claim.namespace} of {claim.server}, and {now}. Set a kubeconfig for"
        " that server and namespace again, and it goes on."
    )
    return ClusterError(Meaning.MISMATCH, 0, said)
