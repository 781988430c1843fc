"""What every mutation does around its verb: one `begin()`, one commit, ids, keys and errors.

The modules beside this one hold the mutations by noun; each calls one verb of `app.services`.
"""

import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, TypeVar
from uuid import UUID

import orjson
import strawberry

from app.db.details import Details
from app.db.idempotency import Key
from app.db.resources import ResourceRow
from app.db.session import Session
from app.domain import ids, limits
from app.domain.errors import BadRequest, InvalidInput, NotFound
from app.domain.ids import NodeType
from app.domain.states import DesiredState
from app.domain.viewer import TokenScope
from app.graphql.nodes import Info
from app.graphql.payloads import InputError
from app.graphql.selection import selects
from app.services import resources
from app.services.resources import Given, Maker, Named, Reviser

T = TypeVar("T")
Row = TypeVar("Row", bound=ResourceRow)
New = TypeVar("New", bound=Named)

# A verb on a resource: session, viewer, the statements of its kind, and its key.
Verb = Callable[..., Awaitable[Any]]

# Of what a mutation acts on, as the client saw it last.
IfGeneration = Annotated[
    int | None,
    strawberry.argument(
        description=(
            "Only if its generation is still this; else GENERATION_MISMATCH, and nothing changes."
            " So a request that comes late undoes no later wish."
        )
    ),
]

START = partial(resources.want, desired=DesiredState.RUNNING)
STOP = partial(resources.want, desired=DesiredState.STOPPED)
DELETE = partial(resources.want, desired=DesiredState.DELETED)
RETRY = resources.retry


async def on_resource(
    info: Info, global_id: str, details: Details[Row, Any], kind: NodeType, verb: Verb
) -> Row:
    """The row after a verb on one resource."""
    viewer, key = info.context.viewer(TokenScope.PROJECTS_WRITE), key_of(global_id, kind)
    row: Row = await info.context.state.database.transact(
        viewer, lambda session: verb(session, viewer, details, key)
    )
    return row


async def update(
    info: Info,
    reviser: Reviser[Row, Any],
    global_id: str,
    kind: NodeType,
    given: Given,
    *,
    if_generation: int | None,
) -> Row:
    """The row after a change of what one resource is made from."""
    viewer, key = info.context.viewer(TokenScope.PROJECTS_WRITE), key_of(global_id, kind)
    return await info.context.state.database.transact(
        viewer,
        lambda session: resources.update(
            session, viewer, reviser, key, given, if_generation=if_generation
        ),
    )


def at(verb: Verb, if_generation: int | None) -> Verb:
    """`verb`, for the generation that was given alone."""
    return partial(verb, if_generation=given(if_generation))


async def create(
    info: Info, maker: Maker[New, Row, Any], project_id: str, new: New, given_key: str | None
) -> Row:
    """Add a resource to a project, with a key once in 24 hours."""
    viewer, details = info.context.viewer(TokenScope.PROJECTS_WRITE), maker.details
    owner = key_of(project_id, NodeType.PROJECT, "projectId")
    mutation = f"create{details.kind.capitalize()}"
    key = idempotency(viewer.user_id, mutation, given_key, f"{owner} {new!r}")
    return await info.context.state.database.transact(
        viewer,
        lambda session: once(
            session,
            key,
            details.row,
            lambda: resources.create(session, viewer, maker, owner, new),
        ),
    )


async def once(
    session: Session, key: Key | None, kind: type[T], create: Callable[[], Awaitable[T]]
) -> T:
    """The first answer to this key, or that of `create`, which is remembered."""
    first = await key.begin(session, kind) if key else None
    if first is not None:
        return first
    row = await create()
    if key:
        await key.finish(session, row)
    return row


def key_of(global_id: str, kind: NodeType, field: str = "id") -> UUID:
    """The key behind a global id of this kind; NotFound naming the argument `field`."""
    found = ids.decode(global_id)
    if found is None or found[0] != kind:
        raise NotFound(field=[field])
    return found[1]


def given(value: T | None) -> T | None:
    """What was given; None when it was left out."""
    return None if value is strawberry.UNSET else value


def edited(input: Any) -> Given:
    """What an input holds, by name; what was left out is not in it."""
    return {name: value for name, value in vars(input).items() if value is not strawberry.UNSET}


def idempotency(user_id: UUID, mutation: str, key: str | None, request: str) -> Key | None:
    """The client's key for one mutation; None without one, BadRequest when it is none."""
    if key is None or key is strawberry.UNSET:
        return None
    least, most = limits.IDEMPOTENCY_KEY
    if not least <= len(key) <= most or not key.isprintable():
        raise BadRequest(f"{least} to {most} printable characters.", ("idempotencyKey",))
    return Key(user_id, mutation, key, hashlib.sha256(orjson.dumps(request)).digest())


def as_data(info: Info, wrong: InvalidInput) -> list[InputError]:
    """The problems as data where `errors` is selected; else the error goes on, not in silence."""
    if not selects(info, "errors"):
        raise wrong
    return [InputError(code=p.code, field=list(p.field), message=p.message) for p in wrong.problems]
