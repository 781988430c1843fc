"""The operating system's account that the server runs under.

PostgreSQL refuses to run as root, so root starts it as `nobody`; everybody else as himself.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServerAccount:
    """User and group for the server; `None` leaves them as they are."""

    user: int | None
    group: int | None

    @classmethod
    def current(cls) -> ServerAccount:
        if os.geteuid() != 0:
            return cls(None, None)
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    @property
    def groups(self) -> list[int] | None:
        """Supplementary groups: none of root's."""
        return None if self.user is None else []

    def own(self, path: Path) -> None:
        """Make the account the owner of `path`."""
        if self.user is not None and self.group is not None:
            os.chown(path, self.user, self.group)


def reachable(path: Path, account: ServerAccount) -> bool:
    """Whether the account may enter every folder on the way to `path` and `path` itself.

    By mode bits alone: `nobody` belongs to no group of consequence, so the bits for others decide.
    """
    if account.user is None:
        return True
    real = path.resolve()
    return all(_open_to(folder, account) for folder in (real, *real.parents))


def _open_to(folder: Path, account: ServerAccount) -> bool:
    found = folder.stat()
    mine = found.st_uid == account.user
    return bool(found.st_mode & (0o100 if mine else 0o001))
