"""A kubeconfig from bytes to our model: YAML (JSON is some) within bounds, and PEM understood.

YAML is read by its events, not by a loader: nothing is constructed but mappings, lists and texts,
so there is no alias to multiply, no tag to call and no depth to fall into. Every scalar is the text
that was written, and null where it was left out. Which fields there may be is the domain's to say
(`app.domain.kubeconfig`).

It may take some milliseconds of processor time: call it in a thread.
"""

from collections.abc import Iterator
from ipaddress import ip_network

import yaml
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates

from app.domain import limits
from app.domain.addresses import AddressRules
from app.domain.errors import InputErrorCode, InputProblem, InvalidInput
from app.domain.kubeconfig import Kubeconfig, Tree, read_kubeconfig
from app.settings import Settings

# libyaml's parser where PyYAML was built with it: some ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
# OpenSSL verifies with no RSA key above 16,384 bits, and signs with such in a second.
_RSA_BITS = 8192


class _UnreadableError(ValueError):
    """The text is no YAML, or none that we read; the message is the rule."""


def parse_kubeconfig(text: str, at: tuple[str, ...], rules: AddressRules) -> Kubeconfig:
    """The model of a kubeconfig; InvalidInput at `at` that names each refused field."""
    if len(text.encode(errors="surrogatepass")) > limits.KUBECONFIG:
        rule = f"At most {limits.KUBECONFIG // 1024} KiB."
        raise InvalidInput([InputProblem(InputErrorCode.TOO_LONG, at, rule)])
    try:
        tree = _tree(text)
    except _UnreadableError as error:
        said = f"The kubeconfig cannot be read: {error}."
        raise InvalidInput([InputProblem(InputErrorCode.INVALID, at, said)]) from None
    return read_kubeconfig(tree, at, rules, wrong_with)


def written_rules(settings: Settings) -> AddressRules:
    """What can be said of an address in a kubeconfig before the reconciler looks.

    The operator's own cluster is not known here: where it is allowed, so is every address but those
    of metadata, for now.
    """
    anywhere = [ip_network("0.0.0.0/0"), ip_network("::/0")]
    own = settings.kubeconfig_own_cluster
    return AddressRules(anywhere if own else tuple(settings.kubeconfig_allowed_networks))


def _tree(text: str) -> Tree:
    try:
        events = _bounded(text)
        first = next(events, None)
        if first is None:
            raise _UnreadableError("it is empty")
        read = _node(first, events)
        for _ in events:  # to its end, which may be no YAML, or another document
            pass
    except yaml.MarkedYAMLError as error:
        # The parser's own words quote what it met.
        mark = error.problem_mark
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise _UnreadableError(f"it is no YAML{where}") from None
    except (yaml.YAMLError, UnicodeEncodeError):
        raise _UnreadableError("it has characters that YAML has not") from None
    return read


def _bounded(text: str) -> Iterator[yaml.Event]:
    """The events of the one document's nodes, as long as they keep to the bounds."""
    documents = depth = 0
    for number, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if documents > 1:
            raise _UnreadableError("there is more than one document")
        if depth > limits.KUBECONFIG_DEPTH:
            raise _UnreadableError(f"it is nested deeper than {limits.KUBECONFIG_DEPTH}")
        if number > limits.KUBECONFIG_PARTS:
            raise _UnreadableError(f"it has more than {limits.KUBECONFIG_PARTS} parts")
        if isinstance(event, yaml.CollectionEndEvent):
            yield event
        elif isinstance(event, yaml.NodeEvent):
            if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
                raise _UnreadableError("anchors and aliases are not allowed")
            if getattr(event, "tag", None) is not None:
                raise _UnreadableError("tags are not allowed")
            yield event


def _node(event: yaml.Event, events: Iterator[yaml.Event]) -> Tree:
    if isinstance(event, yaml.MappingStartEvent):
        return _mapping(events)
    if isinstance(event, yaml.SequenceStartEvent):
        found: list[Tree] = []
        while not isinstance(following := next(events), yaml.SequenceEndEvent):
            found.append(_node(following, events))
        return found
    assert isinstance(event, yaml.ScalarEvent)
    # Quoted it is a text, whatever it says.
    return None if event.implicit[0] and event.value in _NULL else str(event.value)


def _mapping(events: Iterator[yaml.Event]) -> dict[str, Tree]:
    found: dict[str, Tree] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent):
            raise _UnreadableError("a key that is no text")
        if event.value in found:
            raise _UnreadableError("a key is there twice in one mapping")
        found[event.value] = _node(next(events), events)
    return found


def wrong_with(certificates: str, key: str | None) -> str | None:
    """What is wrong with PEM certificates, and with the key that is to fit the first of them."""
    if len(certificates) > limits.KUBECONFIG_CERTIFICATES:
        return f"at most {limits.KUBECONFIG_CERTIFICATES // 1024} KiB of certificates"
    try:
        found = load_pem_x509_certificates(certificates.encode())
        publics = [certificate.public_key() for certificate in found]
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
        return "it does not hold PEM certificates that can be read"
    if not all(map(_is_known, publics)):
        return f"a key in it is no RSA of at most {_RSA_BITS} bits, no EC and no Ed25519"
    return _wrong_with_key(key, publics[0]) if key is not None else None


def _wrong_with_key(key: str, public: CertificatePublicKeyTypes) -> str | None:
    if len(key) > limits.KUBECONFIG_KEY:
        return f"at most {limits.KUBECONFIG_KEY // 1024} KiB of key"
    try:
        # Its checks take minutes for a key that is made to; TLS finds out what is no key.
        private = load_pem_private_key(key.encode(), None, unsafe_skip_rsa_key_validation=True)
    except TypeError:
        return "the key is encrypted; give it without a passphrase"
    except (ValueError, UnsupportedAlgorithm):
        return "client-key-data holds no PEM key that can be read"
    return None if private.public_key() == public else "the key belongs to another certificate"


def _is_known(public: CertificatePublicKeyTypes) -> bool:
    if isinstance(public, rsa.RSAPublicKey):
        return public.key_size <= _RSA_BITS
    return isinstance(public, ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey)
