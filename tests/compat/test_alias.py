"""`azureml` as another name of the face."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

#: Checks that the two names are one thing, whatever is imported first.
SAME = """
import sys
import azureml.core
from azureml.core import Workspace
import airflow_ml.core, airflow_ml.core.compute.amlcompute
from azureml.core.compute.amlcompute import AmlCompute
from azureml.exceptions import UserErrorException
import azureml.data.dataset_consumption_config
import airflow_ml.exceptions
assert azureml.core is airflow_ml.core
assert azureml.core.Workspace is airflow_ml.core.Workspace is Workspace
assert AmlCompute is airflow_ml.core.compute.amlcompute.AmlCompute
assert UserErrorException is airflow_ml.exceptions.UserErrorException
assert azureml.core.__version__ == airflow_ml.core.VERSION
assert azureml.core.__name__ == "airflow_ml.core"
assert azureml.core.__spec__.name == "airflow_ml.core"
print(sys.argv[1:], __name__)
"""


def _run(*command: str, path: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, **environment}
    if path is not None:
        variables["PYTHONPATH"] = str(path)
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, env=variables, check=False)


def _fake_sdk(folder: Path) -> Path:
    package = folder / "azureml" / "core"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("VERSION = 'real'\n")
    return folder


def test_script_runs_with_its_arguments(tmp_path: Path) -> None:
    """`python -m airflow_ml.compat` gives the same objects under both names."""
    (tmp_path / "script.py").write_text(SAME)

    done = _run("-m", "airflow_ml.compat", str(tmp_path / "script.py"), "--a", "b c")

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['--a', 'b c'] __main__"


def test_script_finds_its_neighbours(tmp_path: Path) -> None:
    """Modules beside the script can be imported, as with plain python."""
    (tmp_path / "neighbour.py").write_text("VALUE = 5\n")
    (tmp_path / "script.py").write_text("from neighbour import VALUE\nimport azureml.core\nraise SystemExit(VALUE)\n")

    assert _run("-m", "airflow_ml.compat", str(tmp_path / "script.py")).returncode == 5


def test_enable_does_it_for_the_process() -> None:
    """`import airflow_ml.compat.enable` is enough, twice too."""
    done = _run(
        "-c", f"import airflow_ml.compat.enable\nfrom airflow_ml.compat.alias import enable\nassert enable()\n{SAME}"
    )

    assert done.returncode == 0, done.stderr


def test_same_objects_survive_reload_and_pickle() -> None:
    """What looks at modules by their file, source or name finds airflow_ml's own."""
    done = _run(
        "-c",
        "import airflow_ml.compat.enable, azureml, azureml.core.run, importlib.util, inspect, pickle\n"
        "from azureml.pipeline.core import PipelineParameter\n"
        "for module in (azureml, azureml.core, azureml.core.run):\n"
        "    assert importlib.reload(module) is module\n"
        "assert azureml.core.__file__.endswith('core/__init__.py')\n"
        "assert 'class Workspace' in inspect.getsource(azureml.core.Workspace)\n"
        "assert pickle.loads(pickle.dumps(PipelineParameter)) is PipelineParameter\n"
        "assert importlib.util.find_spec('azureml.data').origin.endswith('airflow_ml/data/__init__.py')\n",
    )

    assert done.returncode == 0, done.stderr


def test_real_sdk_is_not_shadowed(tmp_path: Path) -> None:
    """An installed SDK keeps its name, with a warning."""
    code = "import airflow_ml.compat.enable, azureml.core\nprint(azureml.core.VERSION)"

    done = _run("-c", code, path=_fake_sdk(tmp_path))

    assert done.stdout.strip() == "real"
    assert "AIRFLOW_ML_COMPAT=force" in done.stderr


def test_real_sdk_is_shadowed_on_request(tmp_path: Path) -> None:
    """The variable or the option takes the name over."""
    sdk = _fake_sdk(tmp_path)
    (tmp_path / "script.py").write_text("import azureml.core\nprint(azureml.core.__name__)\n")

    by_variable = _run("-m", "airflow_ml.compat", str(tmp_path / "script.py"), path=sdk, AIRFLOW_ML_COMPAT="force")
    by_option = _run("-m", "airflow_ml.compat", "--force", str(tmp_path / "script.py"), path=sdk)
    refused = _run("-m", "airflow_ml.compat", str(tmp_path / "script.py"), path=sdk)

    assert by_variable.stdout.strip() == by_option.stdout.strip() == "airflow_ml.core"
    assert refused.returncode == 1
    assert "--force" in refused.stderr


def test_too_late_is_an_error(tmp_path: Path) -> None:
    """A real SDK that is imported already cannot be replaced."""
    code = "import azureml.core\nfrom airflow_ml.compat.alias import enable\nenable(force=True)"

    done = _run("-c", code, path=_fake_sdk(tmp_path))

    assert "before the first import" in done.stderr


def test_parts_of_others_stay_importable(tmp_path: Path) -> None:
    """A distribution with its own part of `azureml` is found beside ours, below `contrib` too."""
    for part in ("azureml/dataprep", "azureml/contrib/fairness"):
        (tmp_path / part).mkdir(parents=True)
        (tmp_path / part / "__init__.py").write_text("VALUE = __name__\n")
    (tmp_path / "azureml" / "__init__.py").write_text("raise ImportError('the top of others is not run')\n")
    # `from ... import dataprep` asks the top for a module that is still being imported.
    (tmp_path / "azureml/dataprep/api.py").write_text("from .. import dataprep\n")
    (tmp_path / "azureml/dataprep/__init__.py").write_text("VALUE = __name__\nfrom . import api\n")

    done = _run(
        "-c",
        "import airflow_ml.compat.enable, azureml.core, azureml.contrib.notebook\n"
        "import azureml.dataprep, azureml.contrib.fairness\n"
        "print(azureml.dataprep.VALUE, azureml.contrib.fairness.VALUE, azureml.core.__name__)",
        path=tmp_path,
    )

    assert done.stdout.split() == ["azureml.dataprep", "azureml.contrib.fairness", "airflow_ml.core"], done.stderr


def test_imported_part_of_others_is_kept(tmp_path: Path) -> None:
    """Their top may have been imported before: what lies below it is ours from then on."""
    (tmp_path / "azureml" / "dataprep").mkdir(parents=True)
    (tmp_path / "azureml" / "dataprep" / "__init__.py").write_text("")

    done = _run(
        "-c",
        "import azureml.dataprep\nimport airflow_ml.compat.enable, azureml.core\n"
        "print(azureml.core.__name__, azureml.dataprep.__name__)",
        path=tmp_path,
    )

    assert done.stdout.split() == ["airflow_ml.core", "azureml.dataprep"], done.stderr
