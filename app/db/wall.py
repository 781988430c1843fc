"""The second wall: whom Postgres is told that a connection works for.

The first is `visible` in every statement. Should one lack it, the policies (`POLICIES`, made with
the API's role) hide all rows but those of the accounts in the setting `mooring.accounts`, and of
the user in `mooring.user`. Never told, or told that it is nobody, a statement on such a table is an
error (`unrecognized configuration parameter`, `malformed array literal`): no row is a mistake.

A transaction is told for its own length. A connection of AUTOCOMMIT reads is told until it is told
otherwise, and remembers what it was told last: that saves the round trip (40 to 80 us and one
network, data-layer.md section 7) whenever the same viewer reads again.
"""

from typing import Final

from asyncpg import InterfaceError, PostgresError
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from app.db.rows import Executor
from app.domain.viewer import Scope

_TOLD: Final = "mooring.told"
_LOCAL: Final = text(
    "SELECT set_config('mooring.accounts', :accounts, true),"
    " set_config('mooring.user', :user, true)"
)
# To the driver itself: a fifth of what a statement through SQLAlchemy costs.
_LASTING: Final = (
    "SELECT set_config('mooring.accounts', $1, false), set_config('mooring.user', $2, false)"
)

_HEARD: Final = text(
    "SELECT set_config('mooring.accounts', :accounts, false),"
    " set_config('mooring.user', :user, false)"
)


def is_system(scope: Scope) -> bool:
    """Whether there is nobody to tell of."""
    return not scope.accounts and scope.user_id is None


async def tell_transaction(executor: Executor, scope: Scope) -> None:
    """Tell the transaction under way; for a system there is nothing to tell."""
    if not is_system(scope):
        accounts, user = _settings(scope)
        await executor.execute(_LOCAL, {"accounts": accounts, "user": user})


async def tell_connection(connection: AsyncConnection, scope: Scope) -> None:
    """Tell a connection for as long as it is used, unless it knows."""
    raw = await connection.get_raw_connection()
    settings = _settings(scope)
    if raw.info.get(_TOLD) == settings:
        return
    # Should this be cut short, nobody knows what it was told: the next one tells it again.
    raw.info[_TOLD] = None
    assert raw.driver_connection is not None
    try:
        await raw.driver_connection.execute(_LASTING, *settings)
    except (InterfaceError, PostgresError, OSError):
        # The pool does not hear what the driver says, and would keep a dead connection for ever.
        accounts, user = settings
        await connection.execute(_HEARD, {"accounts": accounts, "user": user})
    raw.info[_TOLD] = settings


def _settings(scope: Scope) -> tuple[str, str]:
    accounts = ",".join(account.hex for account in scope.accounts)
    return f"{{{accounts}}}", "" if scope.user_id is None else scope.user_id.hex
