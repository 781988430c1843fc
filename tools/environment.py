"""Build or repair `.venv` from a lock file: `environment.py run` or `environment.py test`.

Called by the Makefile with the machine's own Python, so: standard library only. An environment
counts as finished when its stamp says from which locks, Python and folder it was made; the stamp
is written last, so whatever was interrupted or changed since is built again from nothing.
"""
# ruff: noqa: T201, S603 - a command that prints and runs programs

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "mooring-stamp.json"
RUN_LOCK = ROOT / "requirements.lock"
# Holds all of RUN_LOCK, at the same versions, and the tools of the tests.
TEST_LOCK = ROOT / "tests" / "requirements.lock"


def main() -> int:
    """Make the environment fit for the purpose; 0 when it is."""
    purpose = sys.argv[1]
    with RUN_LOCK.open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two `make` at once: the second finds it done
        if fits(purpose):
            return 0
        begun = time.monotonic()
        try:
            build(purpose)
        except subprocess.CalledProcessError as error:
            print(
                f"\nThe environment was not built: `{error.cmd[0]}` ended with {error.returncode}; "
                "the lines above say why.\nMend that (is the network there?) and give the same "
                "command again: it starts from a clean state.",
                file=sys.stderr,
            )
            return 1
        except KeyboardInterrupt:
            print("\nStopped. Give the same command again: it starts from a clean state.")
            return 130
    print(f"The environment is ready ({time.monotonic() - begun:.0f} s).", flush=True)
    return 0


def wanted(purpose: str) -> dict[str, str]:
    """The stamp of a finished environment."""
    locks = {"run": RUN_LOCK, "test": TEST_LOCK} if purpose == "test" else {"run": RUN_LOCK}
    facts = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in locks.items()}
    facts["project"] = hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest()
    facts["python"] = ".".join(map(str, sys.version_info[:2]))
    facts["folder"] = str(ROOT)
    return facts


def fits(purpose: str) -> bool:
    """Whether the environment is finished and has at least what the purpose needs."""
    return wanted(purpose).items() <= stamped().items()


def stamped() -> dict[str, str]:
    """The stamp of the environment that is there; nothing when it is not finished."""
    try:
        found: dict[str, str] = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return found if PYTHON.exists() else {}


def build(purpose: str) -> None:
    """Build from nothing, or only add what is missing to one that is finished otherwise."""
    lock = TEST_LOCK if purpose == "test" else RUN_LOCK
    uv = working_uv()
    base = {key: value for key, value in wanted("run").items() if key != "project"}
    complete = base.items() <= stamped().items()
    STAMP.unlink(missing_ok=True)
    if not complete:
        make_venv(with_pip=uv is None)
    how = "uv, a few seconds" if uv else "pip, about a minute; with uv it is a few seconds"
    print(f"Installing what {lock.relative_to(ROOT)} lists ({how})", flush=True)
    tool = [uv, "pip"] if uv else [str(PYTHON), "-m", "pip", "--disable-pip-version-check"]
    target = ["--python", str(PYTHON)] if uv else []
    install = [*tool, "install", "--quiet", *target]
    run([*install, "--require-hashes", "--no-deps", "-r", str(lock)])
    run([*install, "--no-deps", "--no-build-isolation", "-e", str(ROOT)])
    STAMP.write_text(json.dumps(wanted(purpose), indent=2) + "\n")


def make_venv(*, with_pip: bool) -> None:
    """A new, empty `.venv`."""
    if with_pip and importlib.util.find_spec("ensurepip") is None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        sys.exit(
            "Python's venv module is not complete on this machine. Install it:\n\n"
            f"    {sudo()}apt-get install python{version}-venv\n"
        )
    print(f"Making .venv with Python {sys.version.split()[0]}", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    run([sys.executable, "-m", "venv", *([] if with_pip else ["--without-pip"]), str(VENV)])


def working_uv() -> str | None:
    """uv, if it is there and runs (a shim of a version manager may not)."""
    uv = shutil.which("uv")
    if uv is None:
        return None
    answer = subprocess.run([uv, "--version"], capture_output=True, check=False)
    return uv if answer.returncode == 0 else None


def sudo() -> str:
    return "" if os.geteuid() == 0 else "sudo "


def run(command: list[str]) -> None:
    # A virtual environment that happens to be active is not the one that is meant.
    env = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    subprocess.run(command, cwd=ROOT, env=env, check=True)


if __name__ == "__main__":
    sys.exit(main())
