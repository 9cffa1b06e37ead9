"""The import hook behind the alias `azureml`."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

from airflow_ml.exceptions import UserErrorException

__all__ = ["enable"]

_ALIAS = "azureml"
_REAL = "airflow_ml"
#: The face; the other rooms of airflow_ml are nobody's `azureml`.
_PUBLIC = frozenset({"contrib", "core", "data", "exceptions", "opendatasets", "pipeline", "train", "widgets"})


class _Nothing(Loader):
    """Makes the top of the alias: a package of its own without a folder, so that no other room is found through it."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002 - the protocol's signature
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module empty."""


class _SameModule(Loader):
    """Puts the module of airflow_ml under its other name."""

    def __init__(self, real: str) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002 - the protocol's signature
        return None

    def exec_module(self, module: ModuleType) -> None:
        # The import system takes what lies in sys.modules afterwards, so both names mean one object.
        sys.modules[module.__name__] = importlib.import_module(self._real)


class _AliasFinder(MetaPathFinder):
    """Finds `azureml` and what is below it."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol's signature
        target: ModuleType | None = None,  # noqa: ARG002 - the protocol's signature
    ) -> ModuleSpec | None:
        if fullname == _ALIAS:
            return ModuleSpec(fullname, _Nothing(), is_package=True)
        alias, _, rest = fullname.partition(".")
        if alias != _ALIAS or rest.partition(".")[0] not in _PUBLIC:
            return None
        real = f"{_REAL}.{rest}"
        if importlib.util.find_spec(real) is None:
            return None
        return ModuleSpec(fullname, _SameModule(real))


def enable(*, force: bool = False) -> bool:
    """
    Make `azureml` another name of airflow-ml's face; doing it twice is doing it once.

    Args:
        force: also if the real Azure ML SDK is installed; `AIRFLOW_ML_COMPAT=force` in the environment is the same.

    Returns:
        False if the real SDK is installed and was left in its place.

    Raises:
        UserErrorException: the real SDK is already imported and shall be shadowed.
    """
    if any(isinstance(finder, _AliasFinder) for finder in sys.meta_path):
        return True
    is_forced = force or os.environ.get("AIRFLOW_ML_COMPAT") == "force"
    loaded = [name for name in sys.modules if name == _ALIAS or name.startswith(f"{_ALIAS}.")]
    if _real_sdk_is_installed():
        if not is_forced:
            return False
        if loaded:
            raise UserErrorException(
                f"compat: {loaded[0]!r} of the real Azure ML SDK is imported; enable the alias before the first "
                "import of azureml"
            )
    # Looking for the real SDK has imported its empty top.
    sys.modules.pop(_ALIAS, None)
    # First, because the real SDK would be found on the path before us.
    sys.meta_path.insert(0, _AliasFinder())
    return True


def _real_sdk_is_installed() -> bool:
    try:
        return importlib.util.find_spec(f"{_ALIAS}.core") is not None
    except ModuleNotFoundError:
        return False
