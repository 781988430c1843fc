"""In a reconciler that has this folder on its path, whoever looks at a sandbox `deadly` dies of it,
or at a kubeconfig whose namespace has that name.

So does one whose library crashes or who is out of memory: no exception, no signal handler, no
release. A file `healed` in the folder that DEADLY_FOLDER names takes it back.
"""

import importlib.abc
import importlib.util
import os
import signal
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any


class _Deadly(importlib.abc.MetaPathFinder):
    """Finds a module as everybody does, and changes a method of a class in it."""

    def __init__(self, module: str, owner: str, method: str, name: str) -> None:
        self._module, self._owner, self._method, self._name = module, owner, method, name

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def loaded(module: ModuleType) -> None:
            load(module)
            owner = getattr(module, self._owner)
            whole = getattr(owner, self._method)
            setattr(owner, self._method, _deadly(whole, self._name))

        spec.loader.exec_module = loaded  # type: ignore[method-assign]
        return spec


def _deadly(whole: Any, name: str) -> Any:
    async def look(owner: Any, claim: Any) -> Any:
        healed = Path(os.environ["DEADLY_FOLDER"], "healed").exists()
        if getattr(claim, name) == "deadly" and not healed:
            os.kill(os.getpid(), signal.SIGKILL)
        return await whole(owner, claim)

    return look


if "DEADLY_FOLDER" in os.environ:
    sys.meta_path[:0] = [
        _Deadly("reconciler.resources", "Resources", "reconcile", "name"),
        _Deadly("reconciler.credentials", "Credentials", "inspect", "k8s_namespace"),
    ]
