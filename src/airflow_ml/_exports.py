"""
Public names of a package that are imported at their first use.

Every DAG file imports the face on each parse; a file that builds two steps should not pay for models, environments
and factories that it never names. Packages pair this with imports under `TYPE_CHECKING` for editors and checkers.
"""

from __future__ import annotations

import sys

from airflow_ml._late import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["lazy_exports"]


def lazy_exports(
    package: str, names: Mapping[str, str], submodules: Sequence[str], *, folder: str | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """
    Return a package's `__getattr__` and `__dir__`.

    Args:
        names: public name to the submodule (without the package) that holds it.
        submodules: names that stand for the submodule itself, because v1 code writes `azureml.core.runconfig.X`
            after `import azureml.core`.
        folder: the package that holds the submodules, if `package` is a module beside them.
    """
    base = folder or package

    def find(name: str) -> object:
        if name in names:
            value: object = getattr(load(f"{base}.{names[name]}"), name)
        elif name in submodules:
            return load(f"{base}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *names, *submodules})

    return find, list_names
