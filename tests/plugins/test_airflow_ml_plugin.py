"""The registration that Airflow loads."""

import subprocess
import sys
from pathlib import Path

import pytest

import airflow_ml.plugins

FOLDER = Path(airflow_ml.plugins.__file__).resolve().parent

pytestmark = pytest.mark.airflow


def ask(code: str, tmp_path: Path, **environment: str) -> str:
    """Run code in a Python of its own, with an Airflow home of its own, and return what it prints last."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AIRFLOW_HOME": str(tmp_path), **environment}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def test_importing_it_costs_next_to_nothing(tmp_path: Path) -> None:
    """A task process that loads the plugin imports neither the pages nor FastAPI nor our registry for it."""
    code = (
        "import airflow.sdk.plugins_manager, sys; before = set(sys.modules)\n"
        "from airflow_ml.plugins.airflow_ml_plugin import AirflowMLPlugin; AirflowMLPlugin()\n"
        "ours = {name for name in sys.modules if name.partition('.')[0] == 'airflow_ml'}\n"
        "print(sorted(ours | {name for name in set(sys.modules) - before if not name.startswith('importlib')}))"
    )

    found = ask(code, tmp_path)

    # The last one Airflow loads by itself, in every process.
    modules = ["", "._late", "._version", ".plugins", ".plugins.airflow_ml_plugin", ".plugins.worker_start"]
    assert found == str([f"airflow_ml{name}" for name in modules])
    assert not [*tmp_path.glob("*.db")]


def test_a_celery_worker_forks_with_frozen_objects(tmp_path: Path) -> None:
    """What a worker has imported is kept from the garbage collector of its tasks, which would write into all of it."""
    code = (
        "import gc, os, sys; sys.argv = ['airflow', 'celery', 'worker']\n"
        "import airflow_ml.plugins.worker_start\n"
        "pid = os.fork()\n"
        "if not pid: os._exit(gc.get_freeze_count() < 100_000)\n"
        "print(os.waitpid(pid, 0)[1])"
    )

    assert ask(code, tmp_path) == "0"


def test_airflow_takes_the_entry_point(tmp_path: Path) -> None:
    """Airflow's own loader finds the plugin of the installed distribution, with its pages."""
    code = (
        "from airflow._shared.plugins_manager import _load_entrypoint_plugins as load\n"
        "plugins = [plugin for plugin in load()[0] if plugin.name == 'airflow_ml']\n"
        "print([(app['url_prefix'], app['app'].title) for app in plugins[0].fastapi_apps])"
    )

    assert ask(code, tmp_path) == "[('/airflow-ml', 'airflow-ml')]"


@pytest.mark.parametrize("syntax", ["glob", "regexp"])
def test_the_folder_can_be_airflows_plugins_folder(tmp_path: Path, syntax: str) -> None:
    """Airflow runs one file of the folder, without an error, and an installed airflow-ml is not registered twice."""
    code = (
        "import sys; from airflow._shared.plugins_manager import _load_plugins_from_plugin_directory as load\n"
        f"before = set(sys.modules); plugins, errors = load({str(FOLDER)!r}, ignore_file_syntax={syntax!r})\n"
        f"files = {sorted(path.stem for path in FOLDER.glob('*.py'))!r}\n"
        "print(len(plugins), errors, [name for name in files if name in set(sys.modules) - before])"
    )

    assert ask(code, tmp_path) == "0 {} ['airflow_ml_plugin']"


def test_the_folder_registers_a_checkout_that_is_not_installed(tmp_path: Path) -> None:
    """Without the entry point the folder's one file is the plugin."""
    code = (
        "import importlib.metadata as metadata; metadata.entry_points = lambda **_: []\n"
        "from airflow._shared.plugins_manager import _load_plugins_from_plugin_directory as load\n"
        f"plugins, errors = load({str(FOLDER)!r}); print([plugin.name for plugin in plugins], errors)"
    )

    assert ask(code, tmp_path) == "['airflow_ml'] {}"


def test_every_other_file_is_ignored_by_name() -> None:
    """`.airflowignore` is complete, so that a new file cannot become a module of its own in Airflow's processes."""
    lines = (FOLDER / ".airflowignore").read_text().splitlines()

    named = {line for line in lines if line and not line.startswith("#")}

    assert named == {path.name for path in FOLDER.rglob("*.py")} - {"airflow_ml_plugin.py"}


def test_no_file_has_the_name_of_a_standard_module() -> None:
    """Airflow would put such a file in the place of the standard library's module."""
    assert not {path.stem for path in FOLDER.rglob("*.py")} & set(sys.stdlib_module_names)
