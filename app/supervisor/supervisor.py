"""The parent of everything on this machine: Postgres, migrations, simulator, API, reconciler.

A child that dies while things start ends the start, with its last words; one that dies later is
named and started again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from types import FrameType
from typing import Any

from app.postgres import (
    EmbeddedPostgres,
    PostgresInUseError,
    PostgresNotFoundError,
    PostgresStartError,
    ensure_database,
)
from app.settings import Settings
from app.supervisor import client, processes
from app.supervisor.child import Child, popen
from app.supervisor.children import Children
from app.supervisor.cluster import Cluster, read_cluster
from app.supervisor.database import DatabaseUrls, described, problem, role_urls
from app.supervisor.datadir import DataDir, secret_key
from app.supervisor.errors import DevError, StoppedError
from app.supervisor.ports import address_for_people, free_ports, listen
from app.supervisor.processes import Program
from app.supervisor.screen import LOGIN, Facts, screen

_DATABASE = "mooring"
_API_ROLE = "mooring_api"
_RECONCILER_ROLE = "mooring_reconciler"
_EXPECTED = (DevError, PostgresInUseError, PostgresNotFoundError, PostgresStartError)


class Supervisor:
    """One run of `mooring dev`."""

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._say = say
        self._data = DataDir(settings.data_dir)
        self._children = Children(say, self._data.logs)
        self._programs: dict[str, Program] = {}
        self._postgres: EmbeddedPostgres | None = None
        self._listener: socket.socket | None = None
        # Children hold the reading end; the kernel closes ours when we die.
        self._pipe, self._our_end = os.pipe()

    def run(self) -> int:
        """Start, watch until Ctrl-C, stop; the exit code."""
        processes.forget_strangers()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Under nohup a closed terminal is no reason to stop.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._on_signal)
        problem_found: str | None = None
        try:
            publish = self._start()
            self._children.watch(publish)
        except StoppedError:
            pass
        except _EXPECTED as error:
            problem_found = str(error)
        finally:
            self._stop()
        if problem_found is not None:
            self._say(f"\n{problem_found}")
        return 1 if problem_found else 0

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._children.stops += 1

    def _start(self) -> Callable[[], None]:
        """Start everything; what writes ready.json anew when a child was started again."""
        self._data.open(self._say)
        given = self._settings.kubeconfig
        cluster = read_cluster(given) if given is not None else None
        self._listener = listen(self._settings.host, self._settings.port)
        urls = self._start_database()
        if cluster is None:
            cluster = self._start_simulator()
        url = self._start_processes(urls, cluster)
        password = self._data.key("dev-password")
        known = client.ensure_user(url, LOGIN, password)
        facts = self._facts(url, urls, cluster, password if known else None)

        def publish() -> None:
            self._data.publish(self._machine_facts(facts, urls, cluster))

        publish()
        self._say(screen(facts))
        return publish

    def _stop(self) -> None:
        if self._listener is not None:
            self._listener.close()
        self._children.stop()
        if self._postgres is not None:
            self._postgres.close()
        self._data.close()
        os.close(self._pipe)
        os.close(self._our_end)

    # The database

    def _start_database(self) -> DatabaseUrls:
        given = self._settings.database_url.get_secret_value()
        if given and (reason := problem(given)):
            raise DevError(
                f"MOORING_DATABASE_URL: {described(given)} does not let us in ({reason}). "
                "Start it or mend the URL, or unset it for the embedded Postgres"
            )
        owner = given or self._start_postgres()
        passwords = (self._data.key("api-password"), self._data.key("reconciler-password"))
        self._say("Bringing the database up to date")
        program = processes.migrate(owner, passwords, self._pipe)
        self._children.run(self._child("migrate", program))
        return role_urls(owner, dict(zip((_API_ROLE, _RECONCILER_ROLE), passwords, strict=True)))

    def _start_postgres(self) -> str:
        self._say("Starting Postgres")
        postgres = EmbeddedPostgres(self._data.path, binaries=self._settings.postgres_binaries)
        self._postgres = postgres

        def spawn() -> subprocess.Popen[bytes]:
            postgres.prepare()
            return postgres.spawn()

        self._children.start(
            Child(
                "postgres",
                spawn,
                log=self._data.path / "postgres" / "server.log",
                stop_signal=signal.SIGINT,  # fast shutdown
                hurry_signal=signal.SIGQUIT,  # immediate: the next start recovers
                patience=30.0,
            )
        )
        self._children.until(postgres.ready, "Postgres accepts connections")
        password = self._data.key("owner-password")
        admin = postgres.admin_dsn()
        asyncio.run(ensure_database(admin, database=_DATABASE, owner=_DATABASE, password=password))
        return postgres.dsn(_DATABASE, _DATABASE, password)

    # The other processes

    def _start_simulator(self) -> Cluster:
        self._say("Starting the cluster simulator")
        kubeconfig = self._data.simulator_kubeconfig
        kubeconfig.unlink(missing_ok=True)
        [port] = free_ports(1)
        program = processes.simulator(
            port,
            self._data.simulator_state,
            kubeconfig,
            self._pipe,
            self._settings.simulator_arguments,
        )
        self._children.start(self._child("simulator", program))
        self._children.until(kubeconfig.exists, "the simulator listens")
        return read_cluster(kubeconfig)

    def _start_processes(self, urls: DatabaseUrls, cluster: Cluster) -> str:
        assert self._listener is not None
        self._say("Starting the API and the reconciler")
        host, port = self._listener.getsockname()[:2]
        fd = self._listener.fileno()
        shared = self._shared_environment(cluster)
        served = shared | self._open_door() | {"MOORING_HOST": host, "MOORING_PORT": str(port)}
        acting = shared | {"MOORING_KUBECONFIG": str(cluster.kubeconfig)} | self._budget()
        api = processes.api(urls.api, self._pipe, fd, served)
        reconciler = processes.reconciler(urls.reconciler, self._pipe, acting)
        self._children.start(self._child("api", api, fd))
        self._children.start(
            self._child("reconciler", reconciler, patience=self._settings.drain + 5)
        )
        url = address_for_people(host, port)
        self._children.until(lambda: client.is_ready(url), "the API is ready")
        return url

    def _budget(self) -> dict[str, str]:
        """Requests to the simulator are not counted: the budget spares a server that others use."""
        set_by_hand = {"cluster_rate", "cluster_burst"} & self._settings.model_fields_set
        if self._settings.kubeconfig is not None or set_by_hand:
            return {}
        return {"MOORING_CLUSTER_RATE": "1000", "MOORING_CLUSTER_BURST": "1000"}

    def _open_door(self) -> dict[str, str]:
        """On one's own machine anybody may sign up, unless it was said by whom."""
        by_hand = "sign_up" in self._settings.model_fields_set
        return {} if by_hand else {"MOORING_SIGN_UP": '["PASSWORD"]'}

    def _shared_environment(self, cluster: Cluster) -> dict[str, str]:
        settings, key = self._settings, self._data.key
        token_keys = settings.token_keys.get_secret_value() or f"k1:{key('token-key')}"
        secret_keys = settings.secret_keys.get_secret_value() or key("secret-keys", secret_key)
        return {
            "MOORING_TOKEN_KEYS": token_keys,
            "MOORING_SECRET_KEYS": secret_keys,
            # Empty is as unset.
            "MOORING_SANDBOX_NAMESPACE": self._namespace(cluster) or "",
        }

    def _namespace(self, cluster: Cluster) -> str | None:
        """The one for all, as a kubeconfig names one; None in the simulator, and where a prefix
        asks for namespaces of accounts."""
        chosen = self._settings
        if chosen.sandbox_namespace is not None:
            return chosen.sandbox_namespace
        own = chosen.kubeconfig is None or "namespace_prefix" in chosen.model_fields_set
        return None if own else cluster.namespace

    def _child(self, name: str, program: Program, *more_fds: int, patience: float = 15.0) -> Child:
        self._programs[name] = program
        log = self._data.logs / f"{name}.log"
        inherited = (self._pipe, self._data.children_lock, *more_fds)
        return Child(
            name,
            lambda: popen(program.argv, program.environment(), log, inherited),
            log=log,
            patience=patience,
        )

    # Facts

    def _facts(self, url: str, urls: DatabaseUrls, cluster: Cluster, password: str | None) -> Facts:
        assert self._listener is not None
        port, wanted = self._listener.getsockname()[1], self._settings.port
        embedded = self._postgres
        return Facts(
            url=url,
            password=password,
            database=f"embedded PostgreSQL in {embedded.root}"
            if embedded is not None
            else described(urls.owner),
            as_owner=urls.as_owner,
            cluster=cluster.server,
            namespace=self._namespace(cluster),
            simulated=self._settings.kubeconfig is None,
            data=self._data.path,
            wanted_port=wanted if wanted not in (0, port) else None,
        )

    def _machine_facts(self, facts: Facts, urls: DatabaseUrls, cluster: Cluster) -> dict[str, Any]:
        """The content of ready.json; tests and tools read it."""
        return {
            "url": facts.url,
            "login": LOGIN,
            "password": facts.password,
            "kubeconfig": str(cluster.kubeconfig),
            "namespace": facts.namespace,
            "database": {"owner": urls.owner, "api": urls.api, "reconciler": urls.reconciler},
            "pid": os.getpid(),
            "processes": self._children.pids(),
            "programs": {
                name: {"argv": program.argv, "env": program.env}
                for name, program in self._programs.items()
            },
        }
