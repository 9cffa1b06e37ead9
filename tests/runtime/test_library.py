import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ml.runtime import library


def run(step_library, script, *more_path, check=True):
    """Run a script that finds the library and nothing else of ours."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AIRFLOW"))}
    environment["PYTHONPATH"] = os.pathsep.join([str(step_library), *map(str, more_path)])
    return subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=check)


@pytest.mark.parametrize("tree", ["azureml", "airflow_ml"])
def test_names_of_both_trees(step_library, tree):
    """The modules that v1's scripts import are there, and say what they have."""
    run(
        step_library,
        f"""
import importlib
for module in ("core", "core.run", "core.dataset", "core.model", "core.workspace", "core.datastore", "core.experiment",
               "data", "data.dataset_factory", "data.abstract_dataset", "core.authentication", "exceptions"):
    found = importlib.import_module("{tree}." + module)
    for name in found.__all__:
        getattr(found, name)
import {tree}.core
assert {tree}.core.run._OfflineRun and {tree}.core.VERSION.split(".")[0] == "1"
assert not hasattr({tree}.core, "Rum")
from {tree}.core import *
Run.get_context().log("a", 1)
""",
    )


def test_never_the_workers_package(step_library):
    """Inside a step airflow_ml is the library, although the worker's package is installed."""
    done = run(step_library, "import airflow_ml.core, airflow_ml.runtime.run as r; print(r.__file__)")
    other = run(step_library, "import airflow_ml.execution", check=False)

    assert Path(done.stdout.strip()).is_relative_to(step_library)
    assert "ModuleNotFoundError: airflow_ml.execution is not part of airflow-ml inside a step" in other.stderr


def test_alias_may_be_enabled(step_library):
    """A module that enables the alias for pipeline code works in a step as well."""
    run(step_library, "import airflow_ml.compat.enable; import azureml.core")


def test_beside_the_real_sdk(step_library, tmp_path):
    """Other parts of an installed SDK are found, `core` and `data` are ours."""
    for module in ("azureml", "azureml/core", "azureml/interpret", "azureml/train", "azureml/data"):
        (tmp_path / module).mkdir()
        (tmp_path / module / "__init__.py").write_text("REAL = True\n")

    run(
        step_library,
        "import azureml.core, azureml.data, azureml.interpret, azureml.train; "
        "assert azureml.interpret.REAL; assert azureml.train.REAL; "
        "assert not hasattr(azureml.core, 'REAL'); assert not hasattr(azureml.data, 'REAL')",
        tmp_path,
    )


def test_racing_builders(tmp_path):
    """Several builders of one folder leave one whole library and nothing beside it."""
    target = tmp_path / "sub" / "lib"
    builders = [multiprocessing.get_context("fork").Process(target=library.build, args=(target,)) for _ in range(3)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()

    assert [builder.exitcode for builder in builders] == [0, 0, 0]
    assert [path.name for path in target.parent.iterdir()] == ["lib"]
    run(target, "import azureml.core")


def test_built_once(tmp_path):
    """A library that is there is left alone."""
    library.build(tmp_path / "lib")
    before = (tmp_path / "lib" / "azureml").stat().st_mtime_ns
    library.build(tmp_path / "lib")

    assert (tmp_path / "lib" / "azureml").stat().st_mtime_ns == before


def test_digest_is_of_the_content(tmp_path):
    """The digest is stable, short enough for a folder's name, and nothing of the operator's side is in the library."""
    library.build(tmp_path / "lib")

    assert library.digest() == library.digest()
    assert len(library.digest()) == 16
    names = {path.name for path in (tmp_path / "lib" / "airflow_ml" / "runtime").glob("*.py")}
    assert "run.py" in names
    assert not names & {"channel_server.py", "library.py"}


def test_read_only(tmp_path):
    """The library works where nobody may write, as in a container."""
    library.build(tmp_path / "lib")
    for folder in [tmp_path / "lib", *(tmp_path / "lib").rglob("*")]:
        folder.chmod(0o555 if folder.is_dir() else 0o444)

    run(tmp_path / "lib", "from azureml.core import Run; Run.get_context()")


def test_lean_import(step_library):
    """Logging loads none of the slow modules, so that a script's start stays fast."""
    slow = ["json", "re", "pathlib", "socket", "threading", "shutil", "logging", "asyncio", "dataclasses", "typing"]

    run(
        step_library,
        f"import sys; sys.modules.update(dict.fromkeys({slow!r})); "
        "from azureml.core import Run; Run.get_context().log('a', 1)",
    )
