"""What shows secrets: payloads of the mutations that are recorded."""

from __future__ import annotations

import strawberry

from app.graphql.environment import Variable
from app.graphql.hiding import hiding


@hiding("value")
@strawberry.type(description="What revealVariable gives.")
class RevealVariablePayload:
    """What revealVariable gives."""

    variable: Variable = strawberry.field(description="The variable, masked as everywhere.")
    value: str = strawberry.field(description="What it holds.")


@hiding("dotenv")
@strawberry.type(description="What exportVariables gives.")
class ExportVariablesPayload:
    """What exportVariables gives."""

    dotenv: str = strawberry.field(
        description="A .env file, by key, with the values of secret variables in it."
    )


@hiding("password", "url")
@strawberry.type(description="How to reach a database, seen from inside the cluster.")
class DatabaseCredentials:
    """How to reach a database."""

    host: str = strawberry.field(description="Host name.")
    port: int = strawberry.field(description="TCP port.")
    database: str = strawberry.field(description="The name of the database on the server.")
    username: str = strawberry.field(description="The user to connect as.")
    password: str = strawberry.field(description="Its password.")
    url: str = strawberry.field(
        description="All of it as postgresql://user:password@host:port/database, percent-encoded."
    )


@strawberry.type(description="What revealDatabaseCredentials gives.")
class RevealDatabaseCredentialsPayload:
    """What revealDatabaseCredentials gives."""

    credentials: DatabaseCredentials | None = strawberry.field(
        description="Null until the database has been up once; nothing is recorded then."
    )


@hiding("password")
@strawberry.type(description="What the terminal of a sandbox asks for.")
class TerminalCredentials:
    """What the terminal of a sandbox asks for."""

    username: str = strawberry.field(description="The user name.")
    password: str = strawberry.field(description="The password.")
    url: str | None = strawberry.field(
        description="Where the terminal is; null while it has no address."
    )


@strawberry.type(description="What revealTerminalCredentials gives.")
class RevealTerminalCredentialsPayload:
    """What revealTerminalCredentials gives."""

    credentials: TerminalCredentials = strawberry.field(description="What to sign in with there.")
