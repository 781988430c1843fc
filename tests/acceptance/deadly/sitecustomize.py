"""In a reconciler that has this folder on its path, whoever looks at a sandbox `deadly` dies of it.

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
    """Finds `reconciler.resources` as everybody does, and changes it."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != "reconciler.resources":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def loaded(module: ModuleType) -> None:
            load(module)
            module.Resources.reconcile = _deadly(module.Resources.reconcile)

        spec.loader.exec_module = loaded  # type: ignore[method-assign]
        return spec


def _deadly(whole: Any) -> Any:
    async def reconcile(resources: Any, claim: Any) -> Any:
        if claim.name == "deadly" and not Path(os.environ["DEADLY_FOLDER"], "healed").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return await whole(resources, claim)

    return reconcile


if "DEADLY_FOLDER" in os.environ:
    sys.meta_path.insert(0, _Deadly())
