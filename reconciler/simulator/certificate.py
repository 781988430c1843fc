"""The certificate that we serve with, and the authority that clients trust for it.

client-go sends no token over plain HTTP, so kubectl needs TLS. An authority is made with each
certificate and its key is thrown away: nothing else is ever signed by it. One file beside the
state keeps certificate, authority and the certificate's key, in this order.
"""

import os
import ssl
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LASTING = timedelta(days=3650)
# A clock may be behind; one that ends within this time is replaced.
LEEWAY = timedelta(days=1)
NO_USE = dict.fromkeys(
    (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
        *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    ),
    False,
)


@dataclass(frozen=True)
class Certificate:
    """pem is all three; it is private, `authority` (PEM) is not."""

    pem: bytes

    @property
    def authority(self) -> bytes:
        _, authority = x509.load_pem_x509_certificates(self.pem)
        return authority.public_bytes(serialization.Encoding.PEM)

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # The standard library loads keys from files alone.
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "pem"
            _write(file, self.pem)
            context.load_cert_chain(file)
        return context

    def serves(self, host: str) -> bool:
        """Whether it is whole, for this host, and not soon over."""
        try:
            leaf, _ = x509.load_pem_x509_certificates(self.pem)
            serialization.load_pem_private_key(self.pem, None)
        except ValueError:
            return False
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        lasting = leaf.not_valid_after_utc > datetime.now(UTC) + LEEWAY
        return lasting and _name(host) in names


def opened(path: Path | None, host: str) -> Certificate:
    """The one of this file if it serves the host, else a new one; path None keeps nothing."""
    if path is not None and path.exists():
        known = Certificate(path.read_bytes())
        if known.serves(host):
            return known
    made = _made(host)
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_name(path.name + ".new")
        aside.unlink(missing_ok=True)
        _write(aside, made.pem)
        aside.replace(path)
    return made


def _made(host: str) -> Certificate:
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mooring-simulator-ca")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mooring-simulator")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key())
    signing = x509.KeyUsage(**{**NO_USE, "key_cert_sign": True, "crl_sign": True})
    serving = x509.KeyUsage(**{**NO_USE, "digital_signature": True})
    names = dict.fromkeys([_name(host), _name("127.0.0.1"), _name("::1"), _name("localhost")])
    authority = (
        _begun(issuer, issuer, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(signing, critical=True)
        .add_extension(identifier, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    leaf = (
        _begun(subject, issuer, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(serving, critical=True)
        .add_extension(usage, critical=False)
        .add_extension(issued_by, critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(leaf.public_bytes(pem) + authority.public_bytes(pem) + private)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        subject_name=subject,
        issuer_name=issuer,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=now - LEEWAY,
        not_valid_after=now + LASTING,
    )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _write(path: Path, data: bytes) -> None:
    file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(file, "wb") as out:
        out.write(data)
