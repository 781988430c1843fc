"""The command line: `mooring dev | api | reconciler | status | orphans | migrate | restored | …`.

Operators' commands; `moor` will be the users' client. Imports are inside the commands: each loads
only what it needs, and `--help` answers at once.
"""

# ruff: noqa: PLC0415 - see above
from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from app.db.session import Session
    from app.secrets.keyring import KeyRing
    from app.settings import Settings

T = TypeVar("T")

cli = typer.Typer(
    help="Mooring: a control plane for full-stack projects on Kubernetes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
audits = typer.Typer(help="What was done, by whom.")
cli.add_typer(audits, name="audit")

key_commands = typer.Typer(help="The keys that seal secrets at rest (MOORING_SECRET_KEYS).")
cli.add_typer(key_commands, name="keys")


@cli.command()
def dev(
    kubeconfig: Annotated[
        Path | None, typer.Option(help="A real cluster instead of the simulator.")
    ] = None,
) -> None:
    """Run everything on this machine: Postgres, cluster simulator, API and reconciler."""
    from app.supervisor.supervisor import Supervisor

    settings = _settings(**({} if kubeconfig is None else {"kubeconfig": kubeconfig}))
    raise typer.Exit(Supervisor(settings, _say).run())


@cli.command()
def api(
    fd: Annotated[int | None, typer.Option(help="A listening socket that is inherited.")] = None,
) -> None:
    """Serve the API."""
    from app.serve import serve
    from app.settings import SettingsError

    try:
        serve(_settings(), fd)
    except SettingsError as error:
        _fail(str(error))


@cli.command()
def reconciler() -> None:
    """Run the reconciler: the same as `python -m reconciler`."""
    os.execv(sys.executable, [sys.executable, "-m", "reconciler"])  # noqa: S606 - ourselves


@cli.command(
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def orphans(context: typer.Context) -> None:
    """List objects without rows and rows without objects: `mooring orphans --help`."""
    command = [sys.executable, "-m", "reconciler.orphans", *context.args]
    os.execv(sys.executable, command)  # noqa: S606 - ourselves


@cli.command()
def migrate() -> None:
    """Bring the schema and the roles of MOORING_DATABASE_URL (its owner's) up to date."""
    import asyncio

    from app.db import migrations, roles
    from app.logs import configure_logs
    from app.parent import stop_with_parent

    settings = _settings()
    configure_logs(settings.log_level, settings.log_format)
    stop_with_parent(settings.parent_pipe)
    url = _owners_url(settings)
    asyncio.run(migrations.upgrade(url))
    given = {roles.API: settings.api_password, roles.RECONCILER: settings.reconciler_password}
    passwords = {role: secret.get_secret_value() for role, secret in given.items() if secret}
    if len(passwords) < len(given):
        _say(
            "The schema is up to date. Roles are left alone: set MOORING_API_PASSWORD and "
            "MOORING_RECONCILER_PASSWORD to make them"
        )
    elif asyncio.run(roles.ensure(url, passwords)):
        _say("Schema and roles are up to date")
    else:
        _say(
            "The schema is up to date. This owner may make no roles: grant him CREATEROLE and "
            "migrate again, or let the processes connect as the owner, without row-level security"
        )


@cli.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="For a program.")] = False,
) -> None:
    """Say what is due, who works, how each cluster is, and what holds resources up.

    MOORING_DATABASE_URL has to be the owner's or the reconciler's, which alone see all accounts.
    """
    import asyncio

    from app import status
    from app.db.session import AWAY

    url = _owners_url(_settings(), "the database's owner, or of the reconciler")
    try:
        found = asyncio.run(status.read(url))
    except AWAY as error:
        _fail(
            "The status cannot be read; MOORING_DATABASE_URL has to be the owner's or the"
            f" reconciler's, and its schema this release's ({error!r})"
        )
    _say(status.as_json(found) if as_json else status.as_text(found))


@cli.command()
def restored() -> None:
    """Say that the database comes from a backup; before the API and the reconciler start again.

    MOORING_DATABASE_URL has to be the owner's, as for `mooring migrate`.
    """
    from app.db.restoration import restored as acted

    number = _as_owner(acted)
    _say(f"Streams begin anew; {number} resources are brought to what the backup says")
    _say("What was made since the backup is in no row: see `mooring orphans`, with the reconciler")


@cli.command()
def forget(login: Annotated[str, typer.Argument(help="Whose account is being deleted.")]) -> None:
    """Forget what a deleted account has in its user's own cluster, which is lost for good.

    MOORING_DATABASE_URL has to be the owner's, as for `mooring migrate`.
    """
    from app.services import accounts

    number = _as_owner(lambda session: accounts.forget(session, login))
    if number is None:
        _fail(f"No account of {login} is being deleted")
    _say(f"{number} resources are forgotten; the account goes when nothing else is left of it")


def _as_owner(work: Callable[[Session], Coroutine[Any, Any, T]]) -> T:
    """What `work` gives in one transaction on the database of MOORING_DATABASE_URL."""
    import asyncio

    from app.db.sealed import OPERATOR
    from app.db.session import AWAY, Database

    url = _owners_url(_settings())

    async def act() -> T:
        database = Database(url, pool=2)
        try:
            return await database.transact(OPERATOR, work)
        finally:
            await database.close()

    try:
        return asyncio.run(act())
    except AWAY as error:
        _fail(f"Nothing is changed; MOORING_DATABASE_URL has to be the owner's ({error!r})")


@audits.command("export")
def export_audit(
    since: Annotated[
        str | None, typer.Option("--from", help="From this moment on, RFC 3339.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Before this moment, RFC 3339.")] = None,
) -> None:
    """Write the audit of the whole installation as JSON lines, oldest first.

    MOORING_DATABASE_URL has to be the owner's, as for `mooring migrate`.
    """
    import asyncio
    from datetime import datetime

    from app.db.session import AWAY, Database
    from app.domain.errors import BadRequest
    from app.services import auditing

    settings = _settings()
    try:
        moments = [None if it is None else datetime.fromisoformat(it) for it in (since, until)]
        wanted = auditing.wanted(since=moments[0], until=moments[1])
    except (ValueError, BadRequest):
        _fail("--from and --until take a moment with its offset, such as 2026-01-31T09:30:00Z")
    url = _owners_url(settings)

    async def write() -> None:
        database = Database(url, pool=2)
        try:
            async for lines in auditing.export(database, None, wanted):
                sys.stdout.buffer.write(lines)
        finally:
            await database.close()

    try:
        asyncio.run(write())
        sys.stdout.flush()
    except BrokenPipeError:  # whoever reads has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except AWAY as error:
        _fail(f"The audit cannot be read; MOORING_DATABASE_URL has to be the owner's ({error!r})")


@key_commands.command("check")
def keys_check() -> None:
    """Say how many values each key seals, and which keys may go; exit 1 if one is missing."""
    from app import keys

    _on_keys(keys.check)


@key_commands.command("rotate")
def keys_rotate() -> None:
    """Seal every value with the newest key, beside running processes; may be stopped and rerun."""
    from app import keys

    _on_keys(keys.rotate)


def _on_keys(
    act: Callable[[str, KeyRing, Callable[[str], None]], Coroutine[Any, Any, bool]],
) -> None:
    import asyncio

    from app.secrets.keyring import KeyRing
    from app.settings import SettingsError

    settings = _settings()
    url = _owners_url(settings)
    try:
        ring = KeyRing(settings.secret_keys.get_secret_value())
    except SettingsError as error:
        _fail(str(error))
    if not asyncio.run(act(url, ring, _say)):
        raise typer.Exit(1)


@cli.command()
def export_schema(
    check: Annotated[bool, typer.Option(help="Only compare; exit 1 on a difference.")] = False,
    file: Annotated[Path, typer.Option(help="Where the schema is kept.")] = Path("schema.graphql"),
) -> None:
    """Write the public schema to schema.graphql."""
    from app.graphql.schema import schema

    text = schema.as_str().rstrip() + "\n"
    if not check:
        file.write_text(text)
    elif not file.exists() or file.read_text() != text:
        _fail(f"{file} is not what the code says: run `mooring export-schema` and commit it")


def _settings(**given: object) -> Settings:
    """The settings; an option of the command line goes over the environment."""
    from app.settings import Settings, SettingsError

    try:
        return Settings.load(**given)
    except SettingsError as error:
        _fail(str(error))


def _owners_url(settings: Settings, whose: str = "the database's owner") -> str:
    """The URL of the schema's owner (or `whose` it may be), who lets us in."""
    from app.supervisor.database import described, problem

    url = settings.database_url.get_secret_value()
    if not url:
        _fail(f"MOORING_DATABASE_URL is not set: give the URL of {whose}")
    if reason := problem(url):
        _fail(f"MOORING_DATABASE_URL: {described(url)} does not let us in ({reason})")
    return url


def _say(line: str) -> None:
    try:
        print(line, flush=True)
    except OSError:  # the terminal is gone; what runs must still be stopped in order
        return


def _fail(message: str) -> NoReturn:
    print(message, file=sys.stderr)
    raise typer.Exit(1)


def main() -> None:
    """The entry point of `mooring`."""
    cli(prog_name="mooring")


if __name__ == "__main__":
    main()
