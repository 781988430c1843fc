"""How a database is reached, read back from what its operator made.

What a user's cluster says may be anything: what is odd is not there.
"""

import base64
import binascii
from dataclasses import dataclass, field

from app.db.databases import Access, DatabaseSpec
from reconciler.cluster.client import Cluster
from reconciler.manifests.database import PORT, Dialect, services_of
from reconciler.manifests.kinds import SECRET, SERVICE, Object
from reconciler.observed.fields import part, text

# Characters of a name or password of PostgreSQL that somebody could have chosen.
_LONGEST = 1000
# Characters of a host name (RFC 1035 section 2.3.4).
_LONGEST_HOST = 253


@dataclass(frozen=True, slots=True)
class Account:
    """Whom to connect as, and where."""

    username: str
    password: str = field(repr=False)
    host: str
    port: int


async def account(
    cluster: Cluster, dialect: Dialect, spec: DatabaseSpec, known: Access, *, settled: bool
) -> Account | None:
    """What Secret and Service say; None as long as one of them is not there.

    Where the database was RUNNING already, its Service is taken to be where it was.
    """
    found = await cluster.get(SECRET, spec.k8s_namespace, dialect.account_secret(spec.k8s_name))
    said = {key: _decoded(value) for key, value in part(found, "data").items()}
    username, password = said.get("username"), said.get("password")
    if not username or not password:
        return None
    host, port = said.get("host"), said.get("port") or ""
    if not host and settled and known.host:
        host = known.host
    elif not host:
        host = await _host(cluster, dialect, spec)
    if not host or len(host) > _LONGEST_HOST:
        return None
    if "." not in host:
        host = f"{host}.{spec.k8s_namespace}.svc"
    number = int(port) if port.isascii() and port.isdecimal() and len(port) < 6 else PORT
    return Account(username, password, host, number)


async def _host(cluster: Cluster, dialect: Dialect, spec: DatabaseSpec) -> str | None:
    """The Service of the usual name, else another one to the same pods that has an address."""
    found = await cluster.list_all(SERVICE, spec.k8s_namespace, services_of(spec.k8s_name))
    names = [text(one, "metadata", "name") for one in found if _has_address(one)]
    usual = dialect.service(spec.k8s_name)
    return usual if usual in names else next(iter(names), None)


def _has_address(service: Object) -> bool:
    return text(service, "spec", "clusterIP") != "None"


def _decoded(value: object) -> str | None:
    """A value of a Secret; Postgres has no NUL."""
    try:
        said = base64.b64decode(str(value), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return None if "\0" in said or len(said) > _LONGEST else said
