"""Kubeconfigs: what a good one becomes, and a corpus of hostile ones, each refused by name."""

import json
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from hypothesis import given, settings
from hypothesis import strategies as st

from app.auth.kubeconfigs import parse_kubeconfig
from app.domain.addresses import AddressRules
from app.domain.errors import InvalidInput
from app.domain.kubeconfig import ClientCertificate, Kubeconfig, Token
from app.domain.servers import Server
from tests.certificates import authority, signed
from tests.kubeconfigs import changed, data, good, with_certificate

SECRET = "s3cr3t-t0ken"
CLUSTER = ("clusters", 0, "cluster")
CONTEXT = ("contexts", 0, "context")
USER = ("users", 0, "user")
AUTHORITY = (*CLUSTER, "certificate-authority-data")


def parsed(text: str) -> Kubeconfig:
    return parse_kubeconfig(text, ("kubeconfig",), AddressRules())


def refused(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as caught:
        parsed(text)
    assert all(problem.field == ("kubeconfig",) for problem in caught.value.problems)
    return [problem.message for problem in caught.value.problems]


def key_pem(key: Any, password: bytes | None = None) -> str:
    secret = BestAvailableEncryption(password) if password else serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    found: bytes = key.private_bytes(serialization.Encoding.PEM, form, secret)
    return found.decode()


def user(**fields: Any) -> dict[str, Any]:
    """A good kubeconfig whose user has these fields beside the token."""
    spelled = {name.replace("_", "-"): value for name, value in fields.items()}
    return changed(good(), *USER, to={"token": SECRET, **spelled})


def at(server: str) -> dict[str, Any]:
    return good(server=server)


OTHER = {"name": "other", "user": {"exec": {"command": "sh", "args": ["-c", "id"]}}}

# What is refused, and by which words it is named: trees, written as JSON.
TREES: list[tuple[str, dict[str, Any], str]] = [
    # Programs, files, other people.
    ("exec", user(exec={"command": "sh"}), "users[0].user.exec: it would run a program"),
    ("exec alone", changed(good(), *USER, to={"exec": {}}), "users[0].user.exec"),
    ("exec elsewhere", changed(good(), "users", 1, to=OTHER), "users[1].user.exec"),
    ("auth provider", user(auth_provider={"name": "gcp"}), "users[0].user.auth-provider"),
    ("token file", user(tokenFile="/etc/passwd"), "users[0].user.tokenFile: it is read from"),
    ("certificate file", user(client_certificate="/x"), "users[0].user.client-certificate: it is"),
    ("key file", user(client_key="/x"), "users[0].user.client-key: it is read from"),
    ("basic user", user(username="admin"), "users[0].user.username: passwords"),
    ("basic password", user(password="hunter2"), "users[0].user.password: passwords"),
    ("impersonation", user(**{"as": "system:admin"}), "users[0].user.as: acting as somebody"),
    ("impersonated id", user(as_uid="1"), "users[0].user.as-uid"),
    ("impersonated groups", user(as_groups=["system:masters"]), "users[0].user.as-groups"),
    ("impersonated extra", user(as_user_extra={"a": ["b"]}), "users[0].user.as-user-extra"),
    ("user's extensions", user(extensions=[]), "users[0].user.extensions"),
    ("another spelling", user(Exec={"command": "sh"}), "users[0].user.Exec: this field is not"),
    ("unknown field", user(frobnicate="x"), "users[0].user.frobnicate: this field is not known"),
    ("field with a secret", user(**{"pa ss:w0rd": "x"}), "users[0].user.(a field): this field"),
    # How the server is reached.
    (
        "authority file",
        changed(good(), *CLUSTER, "certificate-authority", to="/etc/ssl/ca"),
        "clusters[0].cluster.certificate-authority: it is read from a file",
    ),
    (
        "no verification",
        changed(good(), *CLUSTER, "insecure-skip-tls-verify", to=True),
        "clusters[0].cluster.insecure-skip-tls-verify: the server has to prove",
    ),
    (
        "verification, said",
        changed(good(), *CLUSTER, "insecure-skip-tls-verify", to=False),
        "clusters[0].cluster.insecure-skip-tls-verify",
    ),
    (
        "proxy",
        changed(good(), *CLUSTER, "proxy-url", to="http://10.0.0.1:3128"),
        "clusters[0].cluster.proxy-url: no proxy",
    ),
    (
        "another name",
        changed(good(), *CLUSTER, "tls-server-name", to="kubernetes"),
        "clusters[0].cluster.tls-server-name",
    ),
    (
        "compression",
        changed(good(), *CLUSTER, "disable-compression", to=True),
        "clusters[0].cluster.disable-compression",
    ),
    (
        "cluster's extensions",
        changed(good(), *CLUSTER, "extensions", to=[{"name": "x"}]),
        "clusters[0].cluster.extensions",
    ),
    ("no authority", changed(good(), *AUTHORITY, to=...), "certificate-authority-data: it is miss"),
    ("authority in plain", changed(good(), *AUTHORITY, to=authority()), "it is no base64"),
    ("authority of blanks", changed(good(), *AUTHORITY, to=" \n"), "it is no base64"),
    ("authority that is none", changed(good(), *AUTHORITY, to=data("x")), "that can be read"),
    ("authority as a list", changed(good(), *AUTHORITY, to=["x"]), "it has to be a text"),
    (
        "authority beyond measure",
        changed(good(), *AUTHORITY, to=data(authority() * 200)),
        "at most 64 KiB of certificates",
    ),
    (
        "authority of binary",
        changed(good(), *AUTHORITY, to="/////w=="),
        "clusters[0].cluster.certificate-authority-data: it is no base64 of PEM",
    ),
    # The server's URL.
    ("no server", changed(good(), *CLUSTER, "server", to=...), "clusters[0].cluster.server: it is"),
    ("http", at("http://kube.example.com"), "clusters[0].cluster.server: it begins with https"),
    ("file", at("file:///etc/passwd"), "it begins with https://"),
    ("upper case scheme", at("HTTPS://kube.example.com"), "it begins with https://"),
    ("no scheme", at("kube.example.com:6443"), "it begins with https://"),
    ("user in the URL", at("https://user:pw@kube.example.com"), "no user or password"),
    ("query", at("https://kube.example.com/?x=1"), "no query and no fragment"),
    ("fragment", at("https://kube.example.com#x"), "no query and no fragment"),
    ("port 0", at("https://kube.example.com:0"), "the port is from 1 to 65535"),
    ("port too high", at("https://kube.example.com:65536"), "the port is from 1 to 65535"),
    ("way out of the path", at("https://kube.example.com/a/../b"), "its path has letters"),
    ("backslash", at("https://kube.example.com\\@127.0.0.1"), "clusters[0].cluster.server"),
    ("line break", at("https://kube.example.com\r\nX: y"), "clusters[0].cluster.server"),
    ("escape", at("https://%31%32%37.0.0.1"), "% is not allowed"),
    ("full-width digits", at("https://\uff11\uff12\uff17.0.0.1"), "only ASCII"),
    ("ideographic dots", at("https://127\u30020\u30020\u30021"), "only ASCII"),
    ("trailing dot", at("https://kube.example.com."), "no dot at the end"),
    ("underscore", at("https://kube_example.com"), "clusters[0].cluster.server"),
    ("empty label", at("https://kube..example.com"), "the host is no name"),
    # Addresses.
    ("loopback", at("https://127.0.0.1:6443"), "server: the host is a loopback address"),
    ("short loopback", at("https://127.1"), "four plain decimal numbers"),
    ("hexadecimal", at("https://0x7f.1"), "four plain decimal numbers"),
    ("hexadecimal number", at("https://0x7f000001"), "four plain decimal numbers"),
    ("decimal number", at("https://2130706433"), "four plain decimal numbers"),
    ("octal", at("https://0177.0.0.1"), "four plain decimal numbers"),
    ("address with a dot", at("https://127.0.0.1."), "four plain decimal numbers"),
    ("zero", at("https://0.0.0.0"), "is no address of one machine"),
    ("metadata", at("https://169.254.169.254"), "serves the metadata"),
    ("metadata of Azure", at("https://168.63.129.16"), "serves the metadata"),
    ("metadata of Alibaba", at("https://100.100.100.200"), "serves the metadata"),
    ("metadata by IPv6", at("https://[fd00:ec2::254]"), "serves the metadata"),
    ("link-local", at("https://169.254.1.1"), "is a link-local address"),
    ("private 10", at("https://10.0.0.1"), "is a private address"),
    ("private 172", at("https://172.31.255.255"), "is a private address"),
    ("private 192", at("https://192.168.1.1"), "is a private address"),
    ("shared", at("https://100.64.0.1"), "a carrier's network"),
    ("benchmark", at("https://198.18.0.1"), "is reserved"),
    ("multicast", at("https://224.0.0.1"), "is a multicast address"),
    ("broadcast", at("https://255.255.255.255"), "is no address of one machine"),
    ("loopback 6", at("https://[::1]:6443"), "is a loopback address"),
    ("unspecified 6", at("https://[::]"), "is no address of one machine"),
    ("mapped", at("https://[::ffff:127.0.0.1]"), "is a loopback address"),
    ("mapped in hex", at("https://[::ffff:a9fe:a9fe]"), "serves the metadata"),
    ("compatible", at("https://[::127.0.0.1]"), "is a tunnel"),
    ("NAT64", at("https://[64:ff9b::10.0.0.1]"), "is a private address"),
    ("local NAT64", at("https://[64:ff9b:1::7f00:1]"), "is reserved"),
    ("6to4", at("https://[2002:7f00:1::]"), "is a tunnel"),
    ("Teredo", at("https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]"), "is a tunnel"),
    ("unique local", at("https://[fc00::1]"), "is a private address"),
    ("link-local 6", at("https://[fe80::1]"), "is a link-local address"),
    ("zone", at("https://[fe80::1%25eth0]"), "% is not allowed"),
    ("multicast 6", at("https://[ff02::1]"), "is a multicast address"),
    # Credentials.
    ("no credential", changed(good(), *USER, to={}), "it has neither a token nor"),
    ("both", changed(with_certificate(), *USER, "token", to=SECRET), "not both"),
    ("empty token", changed(good(), *USER, "token", to=""), "users[0].user.token: it is missing"),
    ("token of null", changed(good(), *USER, "token", to=None), "users[0].user.token: it is miss"),
    ("token with a header", user(token=f"{SECRET}\r\nHost: x"), "that no token has"),
    ("token with a space", user(token=f"{SECRET} x"), "that no token has"),
    ("endless token", user(token="x" * 20000), "users[0].user.token: at most 16384"),
    ("token as a mapping", user(token={"a": "b"}), "users[0].user.token: it has to be a text"),
    (
        "key of blanks",
        changed(with_certificate(), *USER, "client-key-data", to="  "),
        "users[0].user.client-key-data: it is no base64 of PEM",
    ),
    (
        "certificate without key",
        changed(with_certificate(), *USER, "client-key-data", to=...),
        "users[0].user.client-key-data: it is missing",
    ),
    (
        "another's key",
        changed(with_certificate(), *USER, "client-key-data", to=data(signed("other").key)),
        "the key belongs to another certificate",
    ),
    (
        "encrypted key",
        changed(
            with_certificate(),
            *(*USER, "client-key-data"),
            to=data(key_pem(ed25519.Ed25519PrivateKey.generate(), b"passphrase")),
        ),
        "the key is encrypted",
    ),
    (
        "key that is none",
        changed(with_certificate(), *USER, "client-key-data", to=data("-----BEGIN X-----")),
        "client-key-data holds no PEM key",
    ),
    (
        "key beyond measure",
        changed(with_certificate(), *USER, "client-key-data", to=data("k" * 20000)),
        "at most 16 KiB of key",
    ),
    # The file.
    ("no current context", changed(good(), "current-context", to=...), "current-context: it is"),
    ("unknown context", changed(good(), "current-context", to="x"), "no entry of contexts"),
    ("unknown cluster", changed(good(), *CONTEXT, "cluster", to="x"), "no entry of clusters"),
    ("unknown user", changed(good(), *CONTEXT, "user", to="x"), "no entry of users has this name"),
    ("namespace with a path", changed(good(), *CONTEXT, "namespace", to="../x"), "no name of a"),
    ("namespace in capitals", changed(good(), *CONTEXT, "namespace", to="Team"), "no name of a"),
    ("two of a name", changed(good(), "users", 1, to=good()["users"][0]), "has the same name"),
    ("list as mapping", changed(good(), "users", to={"u": {}}), "users: it has to be a list"),
    ("no lists", changed(good(), "clusters", to=None), "clusters: it has to be a list"),
    ("entry as text", changed(good(), "users", 0, to="u"), "users[0]: it has to be a mapping"),
    ("long name", changed(good(), "users", 0, "name", to="u" * 300), "users[0].name: at most 253"),
    ("another kind", changed(good(), "kind", to="Secret"), "kind: only Config is known"),
    ("another version", changed(good(), "apiVersion", to="v2"), "apiVersion: only v1 is known"),
    ("unknown at the top", changed(good(), "plugins", to=[]), "plugins: this field is not known"),
    ("preferences", changed(good(), "preferences", to={"colors": True}), "preferences: they are"),
]

ROOT = "apiVersion: v1\n"
# And texts that are no JSON of ours.
TEXTS: list[tuple[str, str, str]] = [
    ("nothing", "", "it is empty"),
    ("only a comment", "# nothing\n", "it is empty"),
    ("a text", "kubeconfig", "The kubeconfig: it has to be a mapping"),
    ("a list", "- a\n- b", "The kubeconfig: it has to be a mapping"),
    ("alias", "a: &x [1]\nb: *x", "anchors and aliases"),
    ("an anchor alone", "a: &x 1", "anchors and aliases"),
    ("billion laughs", "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]", "anchors and aliases"),
    ("merge key", "<<: {a: b}", "(a field): this field is not known"),
    ("tag", "a: !!python/object/apply:os.system ['id']", "tags are not allowed"),
    ("core tag", "a: !!binary aGk=", "tags are not allowed"),
    ("two documents", f"{ROOT}---\n{ROOT}", "more than one document"),
    ("key twice", f"{ROOT}{ROOT}", "a key is there twice"),
    ("a key that is a list", "? [a]\n: b", "a key that is no text"),
    ("no YAML", "a: b: c", "it is no YAML in line 1"),
    ("no YAML at its end", f"{ROOT}kind: [", "it is no YAML"),
    ("control characters", "a: \x00", "characters that YAML has not"),
    ("half a character", "a: \ud800", "characters that YAML has not"),
    ("deep", "[" * 20 + "]" * 20, "nested deeper than 16"),
    ("very deep", "[" * 100_000, "it is no YAML"),
    ("deep mappings", "{a: " * 50_000, "nested deeper than 16"),
    ("many parts", "[" + "1," * 50_000 + "]", "more than 5000 parts"),
    ("too large", "#" * (256 * 1024 + 1), "At most 256 KiB"),
    ("too large in bytes", "#" + "ä" * 140_000, "At most 256 KiB"),
]


@pytest.mark.parametrize(
    ("tree", "words"), [case[1:] for case in TREES], ids=[case[0] for case in TREES]
)
def test_a_hostile_kubeconfig_is_refused_by_name(tree: dict[str, Any], words: str) -> None:
    said = refused(json.dumps(tree, ensure_ascii=False))

    assert any(words in each for each in said), said
    assert not any(SECRET in each or "hunter2" in each for each in said)


@pytest.mark.parametrize(
    ("text", "words"), [case[1:] for case in TEXTS], ids=[case[0] for case in TEXTS]
)
def test_a_hostile_text_is_refused_by_its_rule(text: str, words: str) -> None:
    said = refused(text)

    assert any(words in each for each in said), said


def test_the_corpus_is_a_corpus() -> None:
    names = [case[0] for case in [*TREES, *TEXTS]]

    assert len(set(names)) == len(names) >= 60


def test_all_that_is_wrong_is_told_at_once_but_not_without_end() -> None:
    two = changed(user(exec={}), *CLUSTER, "proxy-url", to="x")
    many = changed(good(), *USER, to={f"k{'a' * n}": "x" for n in range(30)})

    assert len(refused(json.dumps(two))) == 2
    assert len(refused(json.dumps(many))) == 20


@pytest.mark.parametrize(
    "write", [json.dumps, yaml.safe_dump, lambda tree: json.dumps(tree, indent="\t")]
)
def test_a_good_one_becomes_our_model(write: Any) -> None:
    read = parsed(write(good()))

    assert read.server == Server("kube.example.com", 6443)
    assert read.authority == authority()
    assert read.credential == Token(SECRET)
    assert read.namespace == "team-a"
    assert (read.context, read.cluster, read.user) == ("here", "c", "u")


def test_a_client_certificate_is_a_credential() -> None:
    pair = signed("user")

    read = parsed(yaml.safe_dump(with_certificate()))

    assert read.credential == ClientCertificate(pair.certificate, pair.key)


def test_what_kubectl_writes_beside_it_is_let_through() -> None:
    tree = changed(good(), "preferences", to={})
    others = changed(tree, "clusters", 1, to={"name": "old", "cluster": {"server": "http://x"}})
    bare = changed(others, *CONTEXT, "namespace", to=...)

    read = parsed(json.dumps(bare))

    assert read.namespace == "default"


def test_a_path_of_the_server_is_kept() -> None:
    read = parsed(json.dumps(good("https://Rancher.example.com/k8s/clusters/c-m-1/")))

    assert read.server.url == "https://rancher.example.com/k8s/clusters/c-m-1"


def test_it_is_the_same_after_it_was_stored() -> None:
    for tree in (good(), with_certificate()):
        read = parsed(json.dumps(tree))

        assert Kubeconfig.load(read.dump()) == read


def test_no_secret_is_in_its_repr() -> None:
    shown = repr(parsed(json.dumps(good()))) + repr(parsed(json.dumps(with_certificate())))

    assert SECRET not in shown
    assert "BEGIN" not in shown


def test_a_large_rsa_key_is_refused_without_a_look_at_its_primes() -> None:
    key = rsa.RSAPublicNumbers(65537, (1 << 20_000) + 1)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    tree = changed(good(), *AUTHORITY, to=data(public.decode()))

    assert "that can be read" in refused(json.dumps(tree))[0]


@settings(max_examples=300, deadline=None)
@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parsed(text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
PLACES = [("clusters",), ("contexts",), ("users",), CLUSTER, CONTEXT, USER, AUTHORITY, ("kind",)]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(PLACES), JSON_VALUES)
def test_anything_in_any_place_is_read_or_refused(place: tuple[Any, ...], value: Any) -> None:
    with pytest.raises(InvalidInput):
        parsed(json.dumps(changed(good(), *place, to=value)))
