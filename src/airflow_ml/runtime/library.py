"""
Writes the step library: the folder that a step's process has first on its PYTHONPATH.

It holds this package, the errors, late imports and the version, and the tops of two trees, `azureml` and `airflow_ml`,
whose other modules `finder` makes; all their names lead into this package. So a script finds the same names with the
real SDK installed, with airflow-ml installed, or with neither.
"""

from __future__ import annotations

import hashlib
import os
import py_compile
import shutil
from collections.abc import Iterator
from pathlib import Path

__all__ = ["build", "digest"]

_PACKAGE = Path(__file__).resolve().parent.parent

#: Modules of the runtime that the operator's side alone uses.
_OUTER = ("channel_server.py", "library.py")

_AIRFLOW_ML = '''\
"""airflow-ml inside a step: the step library alone, whatever else is installed."""

from airflow_ml._version import __version__
from airflow_ml.runtime.finder import install

__all__ = ["__version__"]

install()
del install
'''

# The real SDK's other parts, if the environment has them, lie further down the path and stay importable.
_AZUREML = '''\
"""azureml inside a step: airflow-ml's, beside the other parts of the real SDK where it is installed."""

import os
import sys

import airflow_ml

__path__ += [
    folder
    for folder in (os.path.join(entry or os.curdir, "azureml") for entry in sys.path)
    if folder not in __path__ and os.path.isdir(folder)
]
del airflow_ml
'''

_ENABLED = '''\
"""Nothing to do: inside a step `azureml` is airflow-ml's already."""
'''


def build(target: Path) -> None:
    """
    Write the step library as a folder; nothing happens if it is there.

    It appears whole or not at all, also when several processes build it at once or one is killed. Modules are compiled
    for the interpreter that builds; others compile for themselves where they may write.

    Args:
        target: named by `digest()`, so that another version of airflow-ml never meets it.
    """
    if target.is_dir() and any(target.iterdir()):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    building = target.with_name(f".{target.name}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        for relative, text in _files():
            _write(building, relative, text, target)
        building.rename(target)
    except OSError:
        # Somebody else was first: theirs is the same.
        if not (target / "airflow_ml").is_dir():
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)


def digest() -> str:
    """Return a hash over everything that `build` writes, as 16 hex digits."""
    hashed = hashlib.sha256()
    for relative, text in _files():
        hashed.update(f"{relative}\0{len(text)}\0".encode())
        hashed.update(text)
    return hashed.hexdigest()[:16]


def _files() -> Iterator[tuple[str, bytes]]:
    """Yield every file's path below the library and its content, in an order that is always the same."""
    yield "airflow_ml/__init__.py", _AIRFLOW_ML.encode()
    yield "azureml/__init__.py", _AZUREML.encode()
    for name in ("_late.py", "_version.py", "exceptions.py"):
        yield f"airflow_ml/{name}", (_PACKAGE / name).read_bytes()
    for source in sorted((_PACKAGE / "runtime").glob("*.py")):
        if source.name not in _OUTER:
            yield f"airflow_ml/runtime/{source.name}", source.read_bytes()
    for name in ("__init__", "enable"):
        yield f"airflow_ml/compat/{name}.py", _ENABLED.encode()


def _write(building: Path, relative: str, text: bytes, target: Path) -> None:
    path = building / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    # The content behind this path never changes, so Python need not compare times. Tracebacks must name the target.
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(path), dfile=str(target / relative), doraise=True, invalidation_mode=mode)
