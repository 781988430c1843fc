"""An authority, and certificates that it signs, made for the tests that need TLS."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_PEM = serialization.Encoding.PEM


@dataclass(frozen=True)
class Pair:
    """PEM: a certificate and its key."""

    certificate: str
    key: str


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    form, secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(_PEM, form, secret).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@cache
def authority_key() -> ec.EllipticCurvePrivateKey:
    """The key of the one authority."""
    return ec.generate_private_key(ec.SECP256R1())


def _builder(
    subject: str, key: ec.EllipticCurvePrivateKey, ends: timedelta = timedelta(days=1)
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        subject_name=_name(subject),
        issuer_name=_name("authority"),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - timedelta(hours=1),
        not_valid_after=now + ends,
    )


@cache
def authority() -> str:
    """Its certificate, PEM."""
    key = authority_key()
    made = (
        _builder("authority", key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(_PEM).decode()


@cache
def signed(*names: str, ends: timedelta = timedelta(days=1), known: bool = True) -> Pair:
    """A certificate for these names and addresses, which `ends` from now, or has ended; not
    `known`: another authority, of the same name, has signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        _builder(names[0], key, ends)
        .add_extension(x509.SubjectAlternativeName([_general(n) for n in names]), critical=False)
        .sign(authority_key() if known else key, hashes.SHA256())
    )
    return Pair(made.public_bytes(_PEM).decode(), _pem(key))


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
