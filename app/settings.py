"""All settings of both processes: one frozen object, and the only reader of the environment.

Every setting is an environment variable with the prefix `MOORING_`. Nothing else is read: people
have `KUBECONFIG` and `DATABASE_URL` exported to production. Times are in seconds.
"""

import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    IPvAnyNetwork,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.domain.addresses import Network
from app.domain.quantities import milli


class SettingsError(ValueError):
    """A setting that this process needs is missing or cannot work; the message says what to do."""


PodSecurityMode = Literal["enforce", "audit", "warn"]
PodSecurityLevel = Literal["privileged", "baseline", "restricted"]
Seconds = Annotated[float, Field(gt=0)]


def _quantity(said: str) -> str:
    if milli(said) is None:
        raise ValueError("give Kubernetes quantities, as 500m, 2 or 4Gi")
    return said


Quantities = dict[str, Annotated[str, AfterValidator(_quantity)]]
# `make run MOORING_KUBECONFIG=~/…`: not every shell expands it there.
File = Annotated[Path, AfterValidator(Path.expanduser)]
# Settings that are no more, and what to do: to ignore one in silence would be a surprise.
_GONE: Final = {
    "MOORING_TOKEN_KEY": "set MOORING_TOKEN_KEYS=k1:KEY in its place, with the same key",
}


_WEAKEST_HASH: Final = 35840
# Seconds: what a loaded Postgres may well take for a statement.
_LEAST_TIMEOUT: Final = 2.0
_PROVIDER: Final = re.compile(r"[A-Z][A-Z0-9_]{0,31}", re.ASCII)
# Ways of their own, and /auth/session, which is another thing.
_OTHERS: Final = {"PASSWORD", "GITHUB", "SEALOS", "SESSION"}
_LOOPBACK: Final = {"127.0.0.1", "::1", "localhost"}


def web_address(url: str) -> str:
    """`url` if it is https, or http on this machine; ValueError."""
    parts = urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("give https://host, or http://localhost:port on one's own machine")
    return url


class OpenId(BaseModel):
    """An OpenID Connect provider, as the operator was registered there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: Annotated[str, AfterValidator(web_address)]
    client_id: str
    client_secret: SecretStr


class Settings(BaseSettings):
    """The settings, checked at start; a wrong one is named with its rule."""

    model_config = SettingsConfigDict(
        env_prefix="MOORING_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    # Where the processes meet.
    database_url: SecretStr = Field(
        SecretStr(""), description="Postgres of the process: postgresql://user:password@host/name"
    )
    listen_url: SecretStr | None = Field(
        None, description="Direct Postgres for LISTEN, when database_url goes through a pooler"
    )
    database_pool: int = Field(10, ge=2, le=200, description="Connections of one process at most")
    database_timeout: Seconds = Field(
        10,
        description="Until a statement, or a transaction in which nothing happens, is given up; of"
        " a reconciler a sixth of its lease if that is less, but 2 at least",
    )
    api_password: SecretStr | None = Field(
        None, description="`migrate` only: password it gives to the role mooring_api"
    )
    reconciler_password: SecretStr | None = Field(
        None, description="`migrate` only: password it gives to the role mooring_reconciler"
    )
    notify: bool = Field(True, description="Wake others by NOTIFY; off: polling alone")

    # The API.
    host: str = Field("127.0.0.1", description="Address that a process listens on")
    port: int = Field(8000, ge=0, le=65535, description="Port that the API listens on")
    token_keys: SecretStr = Field(
        SecretStr(""),
        description="Keys that sign sessions' tokens, newest first: id:32 characters or more,"
        " by comma",
    )
    token_lifetime: Seconds = Field(900, description="How long an access token is good")
    session_lifetime: Seconds = Field(30 * 86400, description="How long a session can be renewed")
    session_idle: Seconds = Field(7 * 86400, description="Until a session that is not renewed ends")
    refresh_grace: float = Field(
        10, ge=0, description="How long a replaced refresh token gives the new one again"
    )
    api_token_longest: Seconds | None = Field(
        None, description="Longest life of an API token; unset: one need not end"
    )
    secret_keys: SecretStr = Field(
        SecretStr(""),
        description="Keys for secrets at rest, newest first: id:base64 of 32 bytes, by comma",
    )
    body_limit: int = Field(1024 * 1024, ge=1024, description="Bytes of a request or message")
    socket_init_timeout: Seconds = Field(10, description="Until connection_init has to come")
    trusted_proxies: list[IPvAnyNetwork] = Field(
        [],
        description="Networks of proxies whose X-Forwarded-For and -Proto are believed, JSON;"
        " without them all who come through a proxy are one address to the limits and the audit",
    )
    stream_keepalive: Seconds = Field(15, description="Quiet of an event stream until a comment")
    feed_poll: Seconds = Field(2, description="How often the API asks for missed changes")
    settings_poll: Seconds = Field(
        10, description="How often a stream of settings looks without a wake-up"
    )
    feed_queue: int = Field(256, ge=1, description="Changes a slow subscriber may be behind")
    keep_changes: float = Field(
        90 * 86400, ge=86400, description="How long changes are kept, for history and for streams"
    )
    keep_audit: float = Field(
        400 * 86400, ge=90 * 86400, description="How long lines of the audit are kept"
    )
    prune_every: Seconds = Field(3600, description="How often what is older is taken away")
    resync_after: int = Field(1000, ge=1, description="Changes behind which a RESYNC is cheaper")

    # Signing in.
    sign_up: list[str] = Field(
        [],
        description="By which ways new users come, JSON: PASSWORD, GITHUB, SEALOS, or the name of"
        " an OpenID provider",
    )
    password_sign_in: bool = Field(True, description="Sign in with login and password")
    register_at_sign_in: bool = Field(
        False, description="signIn makes the user of a login that nobody has"
    )
    fresh_sign_in: Seconds = Field(
        600, description="How long after a sign-in one may change how one signs in"
    )
    public_url: str | None = Field(
        None,
        description="This API as browsers reach it, https://host: cookies, providers' way back",
    )
    github_client_id: str | None = Field(
        None, description="Client id of the GitHub app; set: sign in with GitHub"
    )
    github_client_secret: SecretStr | None = Field(None, description="Its client secret")
    github_url: str = Field("https://github.com", description="GitHub's pages")
    github_api_url: str = Field("https://api.github.com", description="GitHub's API")
    openid_providers: dict[str, OpenId] = Field(
        {},
        description="OpenID Connect providers by name (A-Z, 0-9, _), JSON: issuer, client_id,"
        " client_secret; GOOGLE needs no issuer",
    )
    sealos_jwt_secrets: SecretStr = Field(
        SecretStr(""),
        description="Secrets of at least 32 bytes that Sealos signs tokens with, by comma: the one"
        " of now and its successor; set: sign in from Sealos",
    )
    provider_timeout: Seconds = Field(
        10, description="How long a provider may take for all that one sign-in asks of it"
    )
    password_memory: int = Field(
        65536, ge=7168, le=4194304, description="KiB that the hash of a password takes"
    )
    password_time: int = Field(3, ge=1, le=100, description="Passes over that memory")
    password_parallelism: int = Field(4, ge=1, le=64, description="Lanes of the hash")

    # How often one may. What is 0 has no limit.
    sign_in_tries: int = Field(
        5,
        ge=0,
        description="Failed sign-ins of a login from one address until each further one waits: one"
        " second, then twice as long each time",
    )
    sign_in_tries_login: int = Field(
        50,
        ge=0,
        description="The same of a login from all addresses together, but for those that the user"
        " signed in from within 30 days",
    )
    sign_in_tries_address: int = Field(
        50, ge=0, description="The same of one address (IPv6: a /64), whatever the logins"
    )
    sign_in_longest_wait: Seconds = Field(
        900, description="Longest such wait; also how long it takes until one failure is forgotten"
    )
    sign_ups_hourly: int = Field(
        100, ge=0, description="Sign-ups from one address (IPv6: a /64) in an hour"
    )
    mutations_per_minute: int = Field(
        1200, ge=0, description="Mutations of one user in a minute, API tokens included"
    )

    # What a sandbox gets when its input leaves it out, and where it is reached.
    sandbox_image: str = Field(
        "ghcr.io/mooring-dev/sandbox:latest", description="Image of a sandbox"
    )
    sandbox_cpu: str = Field("2", description="Processor of a sandbox")
    sandbox_memory: str = Field("4Gi", description="Memory of a sandbox")
    sandbox_storage: str = Field("10Gi", description="Disk of a sandbox")
    sandbox_home: str = Field("/home/fulling", description="Where the disk is mounted")
    sandbox_command: str | None = Field(None, description="Shell line in place of the built-in")
    sandbox_namespace: str | None = Field(
        None,
        description="One namespace for all new resources in the operator's cluster, which is there"
        " already; unset: one for each account, made and kept by the reconciler",
    )
    sandbox_domain: str = Field("localhost", description="Domain of sandbox addresses")

    # What a database gets when its input leaves it out.
    database_version: str | None = Field(
        None, description="PostgreSQL version of a database; unset: the operator's newest"
    )
    database_replicas: int = Field(1, ge=1, le=5, description="Copies of a database")
    database_cpu: str = Field("1", description="Processor of a database, per copy")
    database_memory: str = Field("1Gi", description="Memory of a database, per copy")
    database_storage: str = Field("3Gi", description="Disk of a database, per copy")
    anthropic_http: bool = Field(
        False, description="Users may set http:// base URLs for Anthropic's API"
    )

    # Routes.
    route_mode: Literal["ingress", "gateway"] = Field("ingress", description="Kind of routes")
    route_tls: Literal["none", "secret", "cert-manager"] = Field(
        "none", description="TLS of routes"
    )
    route_tls_secret: str | None = Field(None, description="Wildcard certificate's Secret")
    route_issuer: str | None = Field(None, description="cert-manager ClusterIssuer")
    ingress_class: str | None = Field(None, description="Ingress class; unset: the default one")
    ingress_class_annotation: bool = Field(False, description="Class by the legacy annotation")
    ingress_annotations: dict[str, str] = Field(
        {
            "nginx.ingress.kubernetes.io/proxy-read-timeout": "3600",
            "nginx.ingress.kubernetes.io/proxy-send-timeout": "3600",
        },
        description="Annotations of every Ingress, JSON",
    )
    gateway_name: str | None = Field(None, description="Gateway of HTTPRoutes")
    gateway_namespace: str | None = Field(None, description="Namespace of the Gateway")
    gateway_section: str | None = Field(
        None, description="Listener of the Gateway, by its name; unset: all that fit"
    )
    gateway_app_protocol: bool = Field(
        True,
        description="Say to a Gateway, by appProtocol kubernetes.io/ws, that the terminal speaks"
        " websockets; off for one that does not know it",
    )
    storage_class: str | None = Field(None, description="Storage class; unset: the default one")
    network_policy: bool = Field(
        True,
        description="A NetworkPolicy for each sandbox, and in accounts' namespaces one that denies"
        " what no other allows",
    )
    network_policy_own: bool = Field(
        False, description="A NetworkPolicy for each sandbox in users' own clusters too"
    )
    ingress_namespaces: list[str] = Field(
        [], description="Namespaces that may reach sandboxes, JSON; empty: any"
    )

    # Accounts' namespaces in the operator's cluster.
    namespace_prefix: str = Field(
        "mooring",
        pattern="^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$",
        description="What names of new accounts' namespaces begin with: PREFIX-LOGIN-RANDOM",
    )
    namespace_pod_security: dict[PodSecurityMode, PodSecurityLevel] = Field(
        {"enforce": "baseline", "audit": "restricted", "warn": "restricted"},
        description="Their Pod Security levels, JSON; databases need baseline",
    )
    namespace_pod_security_version: str = Field(
        "latest",
        pattern=r"^(latest|v1\.[0-9]{1,3})$",
        description="Of which Kubernetes release: latest, or v1.33",
    )
    namespace_quota: Quantities = Field(
        {
            "limits.cpu": "64",
            "limits.memory": "128Gi",
            "pods": "100",
            "requests.storage": "500Gi",
            "services.loadbalancers": "0",
            "services.nodeports": "0",
        },
        description="Their ResourceQuota, JSON; {}: none",
    )
    namespace_default_limits: Quantities = Field(
        {"cpu": "500m", "memory": "512Mi"},
        description="What a container may use that says nothing, as those beside a database, JSON",
    )
    namespace_default_requests: Quantities = Field(
        {"cpu": "10m", "memory": "32Mi"},
        description="What is reserved for such a container, JSON; both {}: no LimitRange",
    )
    database_operator_namespaces: list[str] = Field(
        ["kb-system"],
        description="Namespaces from which the database operator reaches databases, JSON",
    )
    api_server_networks: list[Network] = Field(
        [],
        description="Networks in which databases reach the Kubernetes API (443, 6443), JSON;"
        " empty: any",
    )

    # Sealos.
    sealos_profile: bool = Field(
        False,
        description="Label objects so that Sealos' dashboards show them; the domain of a sandbox in"
        " a user's cluster is then that of its API server",
    )
    sealos_domains: dict[str, str] = Field(
        {
            "usw-1.sealos.io": "usw-1.sealos.app",
            "hzh.sealos.run": "sealoshzh.site",
            "bja.sealos.run": "sealosbja.site",
            "gzg.sealos.run": "sealosgzg.site",
        },
        description="Domain of applications by host of the API server, where it is another, JSON",
    )

    # Users' own clusters.
    kubeconfig_allowed_networks: list[Network] = Field(
        [],
        description='Networks of users\' clusters that are not public, JSON: ["10.20.0.0/16"]',
    )

    kubeconfig_own_cluster: bool = Field(
        False, description="Users' kubeconfigs may name the operator's own cluster"
    )
    kubeconfig_recheck: Seconds = Field(
        600, description="Until a kubeconfig that works is looked at again"
    )
    kubeconfig_slots: int = Field(4, ge=1, description="Passes at once in one user's cluster")

    # The reconciler.
    kubeconfig: File | None = Field(
        None,
        description="Kubeconfig of the operator's cluster; unset, in a pod: its ServiceAccount",
    )
    health_port: int | None = Field(
        None, ge=0, le=65535, description="Port of /healthz, /readyz and /metrics; unset: none"
    )
    progress_within: Seconds = Field(
        600,
        description="How long no pass may succeed until /readyz says so, and the loop may stand"
        " still until /healthz does",
    )
    worker: str | None = Field(None, description="Name of this reconciler; unset: host and pid")
    slots: int = Field(32, ge=4, description="Passes at once at most")
    account_slots: int = Field(16, ge=1, description="Passes of one account at once")
    poll: Seconds = Field(3, description="How often due rows are looked for without a wake-up")
    lease: Seconds = Field(30, description="How long a claimed row is held")
    lease_margin: Seconds = Field(5, description="How long before its end a pass stops")
    pass_timeout: Seconds = Field(20, description="How long one pass may take")
    drain: Seconds = Field(10, description="How long passes may end after SIGTERM")
    starting_deadline: Seconds = Field(300, description="Until a start is an error")
    stopping_deadline: Seconds = Field(120, description="Until a stop is an error")
    database_starting_deadline: Seconds = Field(600, description="The same of a database")
    database_stopping_deadline: Seconds = Field(300, description="The same of a database")
    siblings_wait: Seconds = Field(
        180, description="How long a resource waits for another of its project"
    )
    terminating_deadline: Seconds = Field(600, description="Until a deletion is an error")
    retry_longest: Seconds = Field(60, description="Longest wait until a failure is tried again")
    crashed_retry: Seconds = Field(
        900,
        description="How often a resource is tried whose looks ended their reconcilers; when asked"
        " for, after a fifteenth of it, twice as long each time",
    )
    pod_unmade: Seconds = Field(5, description="Until it is asked why a pod is not made or placed")
    pod_creating: Seconds = Field(60, description="Until it is asked why containers are not made")
    operator_silence: Seconds = Field(
        60, description="Until a database operator that does not look is taken to be away"
    )
    flapping_after: int = Field(
        3, ge=1, description="How often in a row it goes down until coming up is not believed"
    )
    flapping_window: Seconds = Field(900, description="Within which time that is in a row")
    flapping_hold: Seconds = Field(
        20, description="How long it then has to be up; doubles each time, to a third of the window"
    )
    database_stopped_elsewhere: Literal["respect", "heal"] = Field(
        "respect",
        description="What becomes of a database that somebody stops in the cluster: it is reported,"
        " or started again",
    )
    recheck: Seconds = Field(
        300, description="Until a settled resource is looked at again; at most twice that"
    )
    recheck_unwatched: Seconds = Field(
        20, description="The same in a user's cluster, which is not watched, after a change"
    )
    recheck_unwatched_longest: Seconds = Field(
        300, description="And the longer nothing changes there, the longer, up to this"
    )
    cluster_rate: float = Field(
        20, gt=0, description="Requests per second to one cluster, of each reconciler"
    )
    cluster_burst: int = Field(40, ge=1, description="Requests at once above the rate")
    cluster_timeout: Seconds = Field(10, description="Until one request is given up")
    watch: bool = Field(True, description="Watch the cluster; off: polling alone")

    # Processes and logs.
    parent_pipe: int | None = Field(None, description="Descriptor whose end of file means: stop")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Logs from")
    log_format: Literal["json", "console"] = Field("json", description="Form of log lines")

    # `mooring dev` alone.
    data_dir: File = Field(Path(".mooring"), description="Where mooring dev keeps its data")
    postgres_binaries: File | None = Field(
        None, description="Folder of PostgreSQL's programs, as pg_config --bindir prints it"
    )
    simulator_arguments: str = Field("", description="More arguments for the simulator")

    @field_validator("public_url", "github_url", "github_api_url")
    @classmethod
    def _web(cls, url: str | None) -> str | None:
        return url if url is None else web_address(url).rstrip("/")

    @field_validator("openid_providers", mode="before")
    @classmethod
    def _named(cls, providers: Any) -> Any:
        for name, chosen in providers.items() if isinstance(providers, dict) else ():
            if not _PROVIDER.fullmatch(name) or name in _OTHERS:
                taken = ", ".join(sorted(_OTHERS))
                raise ValueError(f"a name has A-Z, 0-9 and _, and is none of {taken}")
            if name == "GOOGLE" and isinstance(chosen, dict):
                chosen.setdefault("issuer", "https://accounts.google.com")
        return providers

    @field_validator("password_time")
    @classmethod
    def _strong(cls, passes: int, given: ValidationInfo) -> int:
        # OWASP's password storage cheat sheet: 46 MiB once is as good as 7 MiB five times.
        memory = given.data.get("password_memory", _WEAKEST_HASH)
        if memory * passes < _WEAKEST_HASH:
            raise ValueError(f"password_memory times password_time is {_WEAKEST_HASH} KiB or more")
        return passes

    def confines(self, *, own: bool) -> bool:
        """Whether sandboxes get a NetworkPolicy in the operator's cluster, or in users' `own`."""
        return self.network_policy_own if own else self.network_policy

    @classmethod
    def load(cls, **given: Any) -> Self:
        """From the environment, `given` over it; SettingsError names what is wrong and its rule."""
        for name, instead in _GONE.items():
            if os.environ.get(name):
                raise SettingsError(f"{name} is no more: {instead}")
        try:
            return cls(**given)
        except ValidationError as error:
            wrong = error.errors(include_input=False, include_url=False)
            lines = (f"MOORING_{str(item['loc'][0]).upper()}: {item['msg']}" for item in wrong)
            raise SettingsError("\n".join(lines)) from None

    @property
    def lease_timeout(self) -> float:
        """Seconds for a statement of a reconciler: what a black hole takes is left, with the next
        try, before a lease that was to be renewed at a third is over."""
        return min(self.database_timeout, max(self.lease / 6, _LEAST_TIMEOUT))

    def postgres(self) -> tuple[str, str]:
        """The URLs for statements and for LISTEN; SettingsError without one."""
        url = self.database_url.get_secret_value()
        if not url:
            raise SettingsError(
                "MOORING_DATABASE_URL is not set: give postgresql://user:password@host/name"
            )
        return url, self.listen_url.get_secret_value() if self.listen_url else url
