"""The certificate: made once, kept privately, made anew when it does not serve."""

import ssl
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.simulator.certificate import opened


def test_it_is_kept_and_private(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "pem"

    first = opened(file, "127.0.0.1")
    second = opened(file, "127.0.0.1")

    assert second.pem == first.pem == file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_the_authority_holds_no_key_and_is_enough_to_trust_it() -> None:
    made = opened(None, "::1")

    trusted = ssl.create_default_context(cadata=made.authority.decode())

    assert b"PRIVATE KEY" not in made.authority
    assert len(trusted.get_ca_certs()) == 1
    assert made.context().cert_store_stats()["x509"] == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "10.1.2.3", "cluster.test"])
def test_it_serves_the_host_it_is_made_for(host: str) -> None:
    assert opened(None, host).serves(host)


@pytest.mark.parametrize(
    "damaged",
    [lambda _: b"", lambda pem: pem[: len(pem) // 2], lambda pem: pem.split(b"---", 2)[0]],
)
def test_another_host_or_a_damaged_file_gets_a_new_one(
    tmp_path: Path, damaged: Callable[[bytes], bytes]
) -> None:
    file = tmp_path / "pem"
    first = opened(file, "127.0.0.1")

    elsewhere = opened(file, "10.1.2.3")
    file.write_bytes(damaged(elsewhere.pem))
    again = opened(file, "10.1.2.3")

    assert len({first.pem, elsewhere.pem, again.pem}) == 3
    assert again.serves("10.1.2.3")
