"""The schema: assembly, and the one seam through which every operation passes.

`admit` reads the document and makes the context of the operation from the connection's; whatever is
refused there was not begun. `process_errors` gives every error of what was begun its code.
"""

from collections.abc import AsyncIterator
from datetime import datetime
from functools import cached_property
from typing import Any

import strawberry
from graphql import GraphQLError, OperationType
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext
from strawberry.types.execution import PreExecutionError

from app.graphql import (
    enums,  # noqa: F401 - gives the domain's enums their descriptions
    refusals,
)
from app.graphql.context import Connection, Context
from app.graphql.documents import Documents, Reading
from app.graphql.errors import classify, refused
from app.graphql.mutations import Mutation
from app.graphql.nodes import Database, Sandbox
from app.graphql.queries import Query
from app.graphql.subscriptions import Subscription

_DATE_TIME = strawberry.scalar(
    name="DateTime",
    description="A moment in UTC, RFC 3339, such as 2026-01-31T09:30:00.123456+00:00.",
    specified_by_url="https://datatracker.ietf.org/doc/html/rfc3339",
    serialize=lambda value: value.isoformat(timespec="microseconds"),
    parse_value=datetime.fromisoformat,
)


class Schema(strawberry.Schema):
    """Strawberry's schema with our seam. `context_value` is a Connection, or what `admit` gave."""

    @cached_property
    def documents(self) -> Documents:
        """The documents that were read."""
        return Documents(self._schema)

    async def admit(
        self, connection: Connection, query: str, operation_name: str | None = None
    ) -> Context | PreExecutionError:
        """The context of one operation, or the answer to one that is not begun."""
        try:
            self.documents.read(query).operation(operation_name)
            return await connection.operation()
        except Exception as error:
            return refused(error)

    async def execute(  # type: ignore[override]
        self,
        query: str,
        *,
        context_value: Any,
        operation_name: str | None = None,
        **options: Any,
    ) -> Any:
        """One query or mutation."""
        context = await self._context(context_value, query, operation_name)
        if isinstance(context, PreExecutionError):
            return context
        mutations = self.documents.read(query).mutations(operation_name)
        try:
            await context.count(mutations)
        except Exception as error:
            return refused(error)
        result = await super().execute(
            query, context_value=context, operation_name=operation_name, **options
        )
        if result.errors and mutations:
            await refusals.note(context, result.errors, options.get("variable_values") or {})
        return result

    async def stream(  # type: ignore[override]
        self,
        query: str,
        *,
        context_value: Any,
        operation_name: str | None = None,
        **options: Any,
    ) -> Any:
        """One operation of any kind, as an async generator of its results."""
        context = await self._context(context_value, query, operation_name)
        if isinstance(context, PreExecutionError):
            return _one(context)
        if self._mutates(query, operation_name):
            # Its one result, in the way that takes notes.
            result = await self.execute(
                query, context_value=context, operation_name=operation_name, **options
            )
            return _one(result)
        return await super().stream(
            query, context_value=context, operation_name=operation_name, **options
        )

    def _mutates(self, query: str, operation_name: str | None) -> bool:
        return self.documents.read(query).kind(operation_name) is OperationType.MUTATION

    async def _context(
        self, given: Any, query: str, operation_name: str | None
    ) -> Context | PreExecutionError:
        if isinstance(given, Connection):
            return await self.admit(given, query, operation_name)
        admitted: Context | PreExecutionError = given
        return admitted

    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Give every error its code, in place."""
        for error in errors:
            classify(error)


async def _one(result: Any) -> AsyncIterator[Any]:
    yield result


schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Sandbox, Database],
    config=StrawberryConfig(scalar_map={datetime: _DATE_TIME}),
    extensions=[Reading],
)
