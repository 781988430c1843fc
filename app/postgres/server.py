"""One embedded server: made once, started as a foreground child, stopped with its parent.

The folder that is handed in holds, under `postgres/`: `data` (PostgreSQL's), `password` (the
administrator's, 0600), `lock` (held while a process owns the server) and `server.log`. As root,
when `nobody` cannot reach that folder, `postgres` is a link to a folder of its own below
`/var/lib/mooring`.

The administrator is a superuser and is for making roles and databases only; nothing that runs
connects as him.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from app.postgres.account import ServerAccount, reachable
from app.postgres.binaries import SHARED_ROOT, Binaries, find_binaries
from app.postgres.deathwatch import die_with_parent
from app.postgres.orphans import stop_orphans

ADMINISTRATOR = "postgres"
# sockaddr_un has 108 bytes with the closing zero (unix(7)); the socket is `.s.PGSQL.<port>`.
_SOCKET_PATH_LIMIT = 107
_DEFAULT_PORT = 5432


class PostgresStartError(RuntimeError):
    """The server did not come up; the message ends with its last words."""


class PostgresInUseError(RuntimeError):
    """Another process owns the server of this folder."""


class EmbeddedPostgres:
    """The server of one data folder. Not for use from several threads.

    Start it on the main thread: Linux ends the server when the *thread* that started it ends.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        binaries: Path | None = None,
        port: int | None = None,
        durable: bool = True,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """`port` adds TCP on 127.0.0.1; without it there is the unix socket alone.

        `durable=False` turns fsync off: for tests, where a power cut may cost everything.
        `options` are further server settings.
        """
        self._account = ServerAccount.current()
        self._binaries_setting = binaries
        self._binaries: Binaries | None = None
        self._port = port
        self._durable = durable
        self._options = dict(options or {})
        self._data_dir = data_dir.resolve()
        self._lock: IO[str] | None = None
        self._child: subprocess.Popen[bytes] | None = None

    # Where things are

    @property
    def root(self) -> Path:
        """The folder with `data`, `password`, `lock` and `server.log`; exists after prepare()."""
        return (self._data_dir / "postgres").resolve()

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def log_file(self) -> Path:
        return self.root / "server.log"

    @property
    def socket_dir(self) -> Path:
        """The same folder at every start, so that clients outlive a restart of the server."""
        inside = self.root / "socket"
        name = f"/.s.PGSQL.{self.port}"
        if len(os.fsencode(inside)) + len(name) <= _SOCKET_PATH_LIMIT:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        return Path("/tmp") / f"mooring-{digest}"  # noqa: S108 - checked for its owner when made

    @property
    def port(self) -> int:
        """The number in the socket's name, and the TCP port if there is one."""
        return self._port or _DEFAULT_PORT

    @property
    def pid(self) -> int | None:
        """The postmaster's process id while it is our child and lives."""
        child = self._child
        return child.pid if child is not None and child.poll() is None else None

    def dsn(self, database: str, user: str, password: str) -> str:
        """A libpq URL over the unix socket; asyncpg and SQLAlchemy take it too."""
        secret = quote(password, safe="")
        folder = quote(str(self.socket_dir), safe="")
        return (
            f"postgresql://{quote(user, safe='')}:{secret}@/{quote(database, safe='')}"
            f"?host={folder}&port={self.port}"
        )

    def admin_dsn(self, database: str = "postgres") -> str:
        """The administrator's URL: to make roles and databases, never to run on."""
        return self.dsn(database, ADMINISTRATOR, (self.root / "password").read_text())

    # Life

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self, *, timeout: float = 60.0) -> None:
        """Prepare, spawn and wait until connections are accepted (seconds: usually 0.1).

        Raises:
            PostgresNotFoundError: no programs.
            PostgresInUseError: another process owns this folder's server.
            PostgresStartError: it did not come up.
        """
        try:
            self.prepare()
            self.spawn()
            self.wait_ready(timeout=timeout)
        except BaseException:
            self.close()
            raise

    def prepare(self) -> None:
        """Own the folder, end a forgotten server, make the data if there is none (0.6 s)."""
        self._make_root()
        self._take_lock()
        self._binaries = find_binaries(self._account, self._binaries_setting)
        self._make_socket_dir()
        if self.data.exists():
            self._check_version(self._binaries)
            stop_orphans(self.data)
        else:
            self._initdb(self._binaries)

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start the server as a child in a session of its own; prepare() comes first."""
        if self._binaries is None:
            raise RuntimeError("prepare() comes before spawn()")
        with self._open_log() as log:
            self._child = self._popen(self._command(self._binaries), log)
        return self._child

    def wait_ready(self, *, timeout: float = 60.0) -> None:
        """Wait until the server accepts connections; `timeout` in seconds."""
        deadline = time.monotonic() + timeout
        while not self.ready():
            if self.pid is None or time.monotonic() > deadline:
                raise PostgresStartError(f"The embedded Postgres did not start. {self._words()}")
            time.sleep(0.01)

    def ready(self) -> bool:
        """Whether our child accepts connections, by its own word in `postmaster.pid`."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        # miscadmin.h: line 1 is the pid, line 8 (LOCK_FILE_LINE_PM_STATUS) the state.
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def stop(self, *, timeout: float = 30.0) -> None:
        """Fast shutdown: open transactions are rolled back, nothing that was committed is lost."""
        child, self._child = self._child, None
        if child is None:
            return
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if child.poll() is None:
                child.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(timeout)
                return

    def close(self) -> None:
        """Stop and let go of the folder."""
        self.stop()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    # Making

    def _make_root(self) -> None:
        root = self._data_dir / "postgres"
        if root.is_symlink() and not root.exists():
            root.unlink()  # its folder was removed: begin anew
        if root.exists():
            return
        self._data_dir.mkdir(parents=True, exist_ok=True)
        if reachable(self._data_dir, self._account):
            root.mkdir(mode=0o711)
            return
        SHARED_ROOT.mkdir(mode=0o755, parents=True, exist_ok=True)
        elsewhere = SHARED_ROOT / f"data-{secrets.token_hex(6)}"
        elsewhere.mkdir(mode=0o711)
        root.symlink_to(elsewhere)

    def _take_lock(self) -> None:
        if self._lock is not None:
            return
        lock = (self.root / "lock").open("a+")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise PostgresInUseError(
                f"The Postgres in {self.root} belongs to another process that still runs: "
                "stop it, or choose another MOORING_DATA_DIR"
            ) from error
        self._lock = lock

    def _make_socket_dir(self) -> None:
        folder = self.socket_dir
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
            self._account.own(folder)
        found = folder.lstat()
        owner = os.geteuid() if self._account.user is None else self._account.user
        if folder.is_symlink() or found.st_uid != owner or found.st_mode & 0o077:
            raise PostgresStartError(
                f"{folder} belongs to somebody else and cannot hold the socket: remove it"
            )

    def _check_version(self, binaries: Binaries) -> None:
        made_by = (self.data / "PG_VERSION").read_text().strip()
        if made_by != (have := binaries.major()):
            raise PostgresStartError(
                f"The data in {self.data} were made by PostgreSQL {made_by}, and the programs in "
                f"{binaries.folder} are {have}. Set MOORING_POSTGRES_BINARIES to those of "
                f"{made_by}, or move the folder away to begin anew"
            )

    def _initdb(self, binaries: Binaries) -> None:
        """Make the data under another name and rename: a folder named `data` is a whole one."""
        password = self.root / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        self._account.own(password)
        making = self.root / "data.new"
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700)
        self._account.own(making)
        command: list[Path | str] = [
            binaries.initdb,
            "-D",
            making,
            "-U",
            ADMINISTRATOR,
            "--pwfile",
            password,
        ]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
        command += [] if self._durable else ["--no-sync"]
        with self._open_log() as log:
            code = self._popen(command, log).wait()
        if code:
            raise PostgresStartError(f"initdb ended with {code}. {self._words()}")
        making.rename(self.data)

    def _command(self, binaries: Binaries) -> list[Path | str]:
        options = {
            "listen_addresses": "127.0.0.1" if self._port else "",
            "port": str(self.port),
            "unix_socket_directories": str(self.socket_dir),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self._durable:
            options |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        arguments = [f"--{key}={value}" for key, value in (options | self._options).items()]
        return [binaries.postgres, "-D", self.data, *arguments]

    def _popen(self, command: list[Path | str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603 - programs that find_binaries found
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            # Nothing of ours: PG* variables would change what the server does.
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            user=self._account.user,
            group=self._account.group,
            extra_groups=self._account.groups,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - runs no Python to speak of
        )

    def _open_log(self) -> IO[bytes]:
        self.log_file.touch(mode=0o600)  # a statement that failed may hold a secret
        return self.log_file.open("ab")

    def _words(self) -> str:
        try:
            last = self.log_file.read_text(errors="replace").splitlines()[-3:]
        except OSError:
            last = []
        return f"Its last words, from {self.log_file}: " + " / ".join(last or ["none"])
