"""The embedded Postgres of `mooring dev` and of the tests.

A server that Mooring starts for itself, so that a fresh machine needs no Postgres. Production
never comes here: `mooring api` and the reconciler take a URL and know nothing of this package.
"""

from app.postgres.binaries import Binaries, PostgresNotFoundError, find_binaries
from app.postgres.databases import ensure_database
from app.postgres.server import EmbeddedPostgres, PostgresInUseError, PostgresStartError

__all__ = [
    "Binaries",
    "EmbeddedPostgres",
    "PostgresInUseError",
    "PostgresNotFoundError",
    "PostgresStartError",
    "ensure_database",
    "find_binaries",
]
