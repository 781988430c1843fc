"""A user's kubeconfig: our own strict model of one, and the rules by which a file becomes it.

A kubeconfig can run programs (`exec`), read files (`tokenFile`, every field with a path), act as
somebody else and leave the server unproven. So no library's loader ever sees one: a file is read
into the few fields that a connection needs, and each other field is refused by its name, wherever
it stands, in the entries of other contexts too. Only the current context's entries become the
model; nothing else of the file is kept.

What is wrong is told with the way to the field (`users[0].user.exec`) and never with its value,
which may be a secret. Bytes become a tree, and PEM is understood, in `app.auth.kubeconfigs`.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Final

from app.domain import limits
from app.domain.addresses import AddressRules, refusal
from app.domain.errors import InputErrorCode
from app.domain.servers import BadServerError, Server, read_server
from app.domain.validation import Check

Code = InputErrorCode

# A tree of mappings, lists and texts; None is YAML's null.
Tree = Mapping[str, "Tree"] | Sequence["Tree"] | str | None
# What is wrong with PEM certificates, and with the key that belongs to the first; None: nothing.
PemCheck = Callable[[str, str | None], str | None]

# What `kubectl config view --minify --flatten --raw` leaves out or turns into data.
_FILE = "it is read from a file; give a kubeconfig with everything inline"
_ACTS = "acting as somebody else is not supported"
_WHY: Final[Mapping[str, str]] = {
    "exec": "it would run a program",
    "auth-provider": "it would run a program",
    "tokenFile": _FILE,
    "client-certificate": _FILE,
    "client-key": _FILE,
    "certificate-authority": _FILE,
    "username": "passwords are not supported; give a token or a client certificate",
    "password": "passwords are not supported; give a token or a client certificate",
    "as": _ACTS,
    "as-uid": _ACTS,
    "as-groups": _ACTS,
    "as-user-extra": _ACTS,
    "insecure-skip-tls-verify": "the server has to prove itself",
    "tls-server-name": "the server has to prove itself under its own name",
    "proxy-url": "no proxy is used",
    "disable-compression": "it is not supported",
    "extensions": "they are not used; leave them out",
}

_TOP = ("apiVersion", "kind", "current-context", "clusters", "contexts", "users", "preferences")
_AUTHORITY, _CHAIN, _KEY = (
    "certificate-authority-data",
    "client-certificate-data",
    "client-key-data",
)
_ENTRIES = {
    "clusters": ("cluster", ("server", _AUTHORITY)),
    "contexts": ("context", ("cluster", "user", "namespace")),
    "users": ("user", ("token", _CHAIN, _KEY)),
}
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z-]{0,40}", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
# RFC 6750 section 2.1 admits fewer; what it leaves out here could not be put in a header.
_TOKEN = re.compile(r"[!-~]+", re.ASCII)
_MOST_PROBLEMS = 20


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """A certificate, with those of its issuers behind it, and its key: PEM, not encrypted."""

    chain: str = field(repr=False)
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """All that is kept of a file; `authority` is PEM, the last three are its names for things."""

    server: Server
    authority: str = field(repr=False)
    credential: Token | ClientCertificate
    namespace: str
    context: str
    cluster: str
    user: str

    def dump(self) -> str:
        """To be sealed: it is the credential."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, dumped: str) -> "Kubeconfig":
        """What `dump` gave."""
        given = json.loads(dumped)
        credential = given.pop("credential")
        kind = Token if "token" in credential else ClientCertificate
        return cls(
            **given | {"server": Server(**given["server"]), "credential": kind(**credential)}
        )


def read_kubeconfig(
    tree: Tree, at: tuple[str, ...], rules: AddressRules, pem: PemCheck
) -> Kubeconfig:
    """The model of a file that follows the rules; InvalidInput with all that is wrong in it."""
    reader = _Reader(at, rules, pem)
    read = reader.file(tree)
    reader.check.problems = reader.check.problems[:_MOST_PROBLEMS]
    reader.check.done()
    assert read is not None
    return read


class _Reader:
    """Notes what is wrong; what it gives is whole only if nothing is."""

    def __init__(self, at: tuple[str, ...], rules: AddressRules, pem: PemCheck) -> None:
        self.check = Check()
        self._at = at
        self._rules = rules
        self._pem = pem

    def file(self, tree: Tree) -> Kubeconfig | None:
        top = self._mapping(tree, "", _TOP)
        entries = {kind: self._entries(top, kind) for kind in _ENTRIES}
        for name, only in (("apiVersion", "v1"), ("kind", "Config")):
            if top.get(name) != only:
                self._refuse(Code.INVALID, name, f"only {only} is known")
        if top.get("preferences"):
            self._refuse(Code.NOT_ALLOWED, "preferences", "they are not used; leave them out")
        current = self._text(top, "", "current-context")
        path, context = self._named(entries["contexts"], "contexts", current, "current-context")
        if not path:
            return None
        return self._model(current, path, context, entries)

    def _model(
        self,
        name: str,
        path: str,
        context: Mapping[str, Tree],
        entries: Mapping[str, Mapping[str, tuple[str, Mapping[str, Tree]]]],
    ) -> Kubeconfig | None:
        names = {part: self._text(context, path, part) for part in ("cluster", "user")}
        cluster_at, cluster = self._named(
            entries["clusters"], "clusters", names["cluster"], f"{path}.cluster"
        )
        user_at, user = self._named(entries["users"], "users", names["user"], f"{path}.user")
        namespace = self._namespace(context, path)
        server = self._server(cluster, cluster_at) if cluster_at else None
        authority = self._authority(cluster, cluster_at) if cluster_at else ""
        credential = self._credential(user, user_at) if user_at else None
        if server is None or credential is None:
            return None
        return Kubeconfig(
            server, authority, credential, namespace, name, names["cluster"], names["user"]
        )

    def _entries(
        self, top: Mapping[str, Tree], kind: str
    ) -> dict[str, tuple[str, Mapping[str, Tree]]]:
        """Of a list its entries by name, each with the way to it; all fields are checked."""
        listed = top.get(kind)
        if isinstance(listed, str) or not isinstance(listed, Sequence):
            self._refuse(Code.REQUIRED, kind, "it has to be a list")
            return {}
        inner, known = _ENTRIES[kind]
        found: dict[str, tuple[str, Mapping[str, Tree]]] = {}
        for number, entry in enumerate(listed):
            path = f"{kind}[{number}]"
            body = self._mapping(entry, path, ("name", inner))
            name = self._text(body, path, "name")
            if name in found:
                self._refuse(Code.INVALID, f"{path}.name", "an entry before it has the same name")
            fields = self._mapping(body.get(inner), f"{path}.{inner}", known)
            found[name] = (f"{path}.{inner}", fields)
        return found

    def _named(
        self,
        found: Mapping[str, tuple[str, Mapping[str, Tree]]],
        kind: str,
        name: str,
        asked_by: str,
    ) -> tuple[str, Mapping[str, Tree]]:
        if name and name not in found:
            self._refuse(Code.NOT_FOUND, asked_by, f"no entry of {kind} has this name")
        return found.get(name, ("", {})) if name else ("", {})

    def _mapping(self, tree: Tree, path: str, known: Sequence[str]) -> Mapping[str, Tree]:
        """The fields of a mapping that are known; each other one is refused by its name."""
        if not isinstance(tree, Mapping):
            self._refuse(Code.REQUIRED, path, "it has to be a mapping")
            return {}
        for name in tree:
            if name not in known:
                shown = name if _PLAIN_NAME.fullmatch(name) else "(a field)"
                why = _WHY.get(name, "this field is not known")
                self._refuse(Code.NOT_ALLOWED, f"{path}.{shown}" if path else shown, why)
        return tree

    def _text(self, fields: Mapping[str, Tree], path: str, name: str) -> str:
        value = fields.get(name)
        where = f"{path}.{name}" if path else name
        if value is None or value == "":
            self._refuse(Code.REQUIRED, where, "it is missing")
        elif not isinstance(value, str):
            self._refuse(Code.INVALID, where, "it has to be a text")
        elif len(value) > limits.KUBECONFIG_NAME and name not in (
            _AUTHORITY,
            _CHAIN,
            _KEY,
            "token",
        ):
            self._refuse(Code.TOO_LONG, where, f"at most {limits.KUBECONFIG_NAME} characters")
        else:
            return value
        return ""

    def _namespace(self, context: Mapping[str, Tree], path: str) -> str:
        if context.get("namespace") is None:
            return "default"  # as kubectl has it
        name = self._text(context, path, "namespace")
        if name and not _NAMESPACE.fullmatch(name):
            self._refuse(Code.INVALID, f"{path}.namespace", "it is no name of a namespace")
        return name

    def _server(self, cluster: Mapping[str, Tree], path: str) -> Server | None:
        text, where = self._text(cluster, path, "server"), f"{path}.server"
        if not text:
            return None
        try:
            server = read_server(text)
        except BadServerError as error:
            self._refuse(Code.INVALID, where, str(error))
            return None
        why = server.address and refusal(server.address, self._rules)
        if why:
            self._refuse(Code.NOT_ALLOWED, where, f"the host {why}")
        return server

    def _authority(self, cluster: Mapping[str, Tree], path: str) -> str:
        authority = self._data(cluster, path, _AUTHORITY)
        wrong = self._pem(authority, None) if authority else None
        if wrong:
            self._refuse(Code.INVALID, f"{path}.{_AUTHORITY}", wrong)
        return authority

    def _credential(self, user: Mapping[str, Tree], path: str) -> Token | ClientCertificate | None:
        token, certificate = "token" in user, _CHAIN in user or _KEY in user
        if token == certificate:
            said = "give a token or a client certificate, not both" if token else _NEITHER
            self._refuse(Code.NOT_ALLOWED if token else Code.REQUIRED, path, said)
            return None
        return self._token(user, path) if token else self._certificate(user, path)

    def _token(self, user: Mapping[str, Tree], path: str) -> Token:
        token = self._text(user, path, "token")
        if len(token) > limits.KUBECONFIG_TOKEN:
            rule = f"at most {limits.KUBECONFIG_TOKEN} characters"
            self._refuse(Code.TOO_LONG, f"{path}.token", rule)
        elif token and not _TOKEN.fullmatch(token):
            self._refuse(Code.INVALID, f"{path}.token", "it has characters that no token has")
        return Token(token)

    def _certificate(self, user: Mapping[str, Tree], path: str) -> ClientCertificate:
        chain, key = self._data(user, path, _CHAIN), self._data(user, path, _KEY)
        wrong = self._pem(chain, key) if chain and key else None
        if wrong:
            self._refuse(Code.INVALID, f"{path}.{_CHAIN}", wrong)
        return ClientCertificate(chain, key)

    def _data(self, fields: Mapping[str, Tree], path: str, name: str) -> str:
        """What a field holds in base64; line breaks are let through, as kubectl does."""
        text, data = self._text(fields, path, name), ""
        with suppress(binascii.Error, ValueError):
            data = base64.b64decode("".join(text.split()), validate=True).decode("ascii")
        if text and not data:
            self._refuse(Code.INVALID, f"{path}.{name}", "it is no base64 of PEM")
        return data

    def _refuse(self, code: InputErrorCode, path: str, said: str) -> None:
        self.check.refuse(code, self._at, f"{path or 'The kubeconfig'}: {said}.")


_NEITHER = "it has neither a token nor client-certificate-data with client-key-data"
