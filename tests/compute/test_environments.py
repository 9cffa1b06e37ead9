from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from airflow_ml.compute import interpreters
from airflow_ml.compute.environments import EnvironmentBuilder
from airflow_ml.compute.interpreters import find_uv
from airflow_ml.compute.virtual_environment import MARKER_FILE
from airflow_ml.exceptions import NotSupportedError, RunEnvironmentException, ServiceException

BUILD = """
import json, sys
from pathlib import Path
from airflow_ml.compute.environments import EnvironmentBuilder
built = EnvironmentBuilder(Path(sys.argv[1])).build(json.loads(sys.argv[2]))
print(json.dumps([str(built.python), built.log.splitlines()[0]]))
"""


@pytest.fixture
def wheels(tmp_path) -> Path:
    """A folder with one wheel, `tiny` 1.0, which holds one module."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    write_wheel(folder, "VALUE = 1\n")
    return folder


def write_wheel(folder: Path, source: str) -> None:
    """Write the wheel of `tiny` 1.0 with this source."""
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny.py", source)
        wheel.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        wheel.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("tiny-1.0.dist-info/RECORD", "")


@pytest.fixture
def define(wheels):
    """Make a definition that installs from the folder of wheels alone."""

    def make(*packages, python=None, options=(), **settings):
        pip = ["--no-index", f"--find-links {wheels}", *options, *packages]
        conda = [f"python={python}"] if python else []
        return {"name": "e", "python": {"conda_dependencies": {"dependencies": [*conda, {"pip": pip}]}}, **settings}

    return make


@pytest.fixture
def builder(tmp_path) -> EnvironmentBuilder:
    """A builder with a folder of its own."""
    return EnvironmentBuilder(tmp_path / "environments")


def run(python: Path, source: str) -> str:
    """Return what the source prints on that interpreter."""
    return subprocess.run([python, "-c", source], capture_output=True, text=True, check=True).stdout.strip()


class TestWithoutBuilding:
    @pytest.mark.parametrize(
        "definition",
        [
            None,
            {},
            {"name": "e", "python": {"user_managed_dependencies": True, "interpreter_path": "python"}},
            {"python": {"conda_dependencies": {"dependencies": ["python=3.6.2", {"pip": ["azureml-defaults"]}]}}},
        ],
    )
    def test_workers_interpreter(self, builder, tmp_path, definition):
        """Nothing to install, or a user-managed `python`, means the worker's interpreter and no folder."""
        assert builder.build(definition).python == Path(sys.executable)
        assert not (tmp_path / "environments").exists()

    def test_own_interpreter(self, builder):
        """A user-managed environment names its interpreter by path."""
        definition = {"python": {"user_managed_dependencies": True, "interpreter_path": sys.executable}}

        assert builder.build(definition).python == Path(sys.executable)

    @pytest.mark.parametrize("path", ["/no/such/python", "no-such-python"])
    def test_missing_interpreter(self, builder, path):
        """An interpreter that is not there is named, with the environment."""
        definition = {"name": "mine", "python": {"user_managed_dependencies": True, "interpreter_path": path}}

        with pytest.raises(RunEnvironmentException, match=f"environment 'mine': interpreter_path '{path}' is not"):
            builder.build(definition)

    def test_not_a_python(self, builder):
        """A program that is no Python is told so."""
        definition = {"python": {"user_managed_dependencies": True, "interpreter_path": "/bin/true"}}

        with pytest.raises(RunEnvironmentException, match="'/bin/true' does not answer like Python 3"):
            builder.build(definition)

    def test_unknown_conda_environment(self, builder, monkeypatch, tmp_path):
        """A conda environment that is not on the machine is named."""
        monkeypatch.setenv("HOME", str(tmp_path))

        with pytest.raises(RunEnvironmentException, match="conda environment 'py36' is not found"):
            builder.build({"python": {"base_conda_environment": "py36"}})

    def test_known_conda_environment(self, builder, tmp_path):
        """An existing conda environment may be given by its folder."""
        (tmp_path / "conda" / "bin").mkdir(parents=True)
        python = tmp_path / "conda" / "bin" / "python"
        python.symlink_to(sys.executable)

        assert builder.build({"python": {"base_conda_environment": str(tmp_path / "conda")}}).python == python

    def test_r_section(self, builder):
        """An R section is refused, not ignored."""
        with pytest.raises(NotSupportedError, match="R section"):
            builder.build({"name": "e", "r": {"r_version": "3.5"}})

    def test_variables(self, builder):
        """The definition's variables are handed on as text."""
        assert builder.build({"environment_variables": {"A": 1}}).environment_variables == {"A": "1"}


class TestBuilding:
    def test_installs(self, builder, define):
        """The packages of the definition can be imported, on the worker's version of Python."""
        built = builder.build(define("tiny"))

        assert run(built.python, "import sys, tiny; print(tiny.VALUE, *sys.version_info[:2])") == "1 {} {}".format(
            *sys.version_info
        )
        assert "built" in built.log

    def test_once(self, builder, define):
        """An equal definition is not built again, whatever its name and variables."""
        first = builder.build(define("tiny"))

        second = builder.build(define("tiny", name="other", environment_variables={"A": "1"}))

        assert (second.python, second.digest) == (first.python, first.digest)
        assert "which was there" in second.log

    def test_another_definition(self, builder, define):
        """Other packages make another environment."""
        assert builder.build(define("tiny")).digest != builder.build(define("tiny==1.0")).digest

    def test_changed_local_wheel(self, builder, wheels):
        """A wheel named by path that has changed makes another environment."""
        pip = ["--no-index", str(wheels / "tiny-1.0-py3-none-any.whl")]
        definition = {"python": {"conda_dependencies": {"dependencies": [{"pip": pip}]}}}
        builder.build(definition)
        write_wheel(wheels, "VALUE = 2\n")

        assert run(builder.build(definition).python, "import tiny; print(tiny.VALUE)") == "2"

    def test_with_pip(self, tmp_path, define):
        """Without uv, venv and pip do the same."""
        built = EnvironmentBuilder(tmp_path / "environments", installer="pip").build(define("tiny"))

        assert run(built.python, "import tiny; print(tiny.VALUE)") == "1"

    def test_failure(self, builder, define, tmp_path):
        """A failed installation ends in the installer's words and leaves no folder."""
        with pytest.raises(
            RunEnvironmentException,
            match=r"environment 'e': installing no-such-thing(?si:.*)(?i:not found|no matching distribution)",
        ):
            builder.build(define("no-such-thing"))

        assert not list((tmp_path / "environments").glob("[!.]*"))

    def test_unreachable_index(self, builder, monkeypatch):
        """An index that does not answer is a fault of the machine's, and worth another try."""
        monkeypatch.setenv("UV_HTTP_RETRIES", "0")
        pip = ["--index-url http://127.0.0.1:9/simple", "tiny"]

        with pytest.raises(ServiceException, match="installing tiny failed"):
            builder.build({"name": "e", "python": {"conda_dependencies": {"dependencies": [{"pip": pip}]}}})

    def test_credentials(self, builder, define, tmp_path):
        """Credentials of an index are in no error, no log and no file."""
        options = ["--extra-index-url http://user:hunter22@127.0.0.1:9/simple"]

        built = builder.build(define("tiny", options=options))

        texts = [built.log, *built.warnings, (built.python.parent.parent / MARKER_FILE).read_text()]
        assert not any("hunter22" in text for text in texts)
        assert not (built.python.parent.parent / "requirements.txt").exists()

    def test_python_of_v1s_time(self, builder, define):
        """A Python that the step library cannot run on is replaced by the worker's, with a warning."""
        built = builder.build(define("tiny", python="3.6.2"))

        assert "asks for Python 3.6.2, which is too old" in built.warnings[0]
        assert run(built.python, "import sys; print(sys.version_info[1])") == str(sys.version_info[1])

    def test_missing_python(self, builder, define, monkeypatch, tmp_path):
        """A Python that is neither there nor can be fetched is an error with the ways out; one of them is a warning."""
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
        monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
        minor = 9 if sys.version_info[1] != 9 else 10
        definition = define("tiny", python=f"3.{minor}")
        monkeypatch.setattr(interpreters, "_list_candidates", lambda _version: [])  # the machine has some by chance

        with pytest.raises(
            RunEnvironmentException, match=rf"Python 3\.{minor}, which is not found .*uv python install"
        ):
            builder.build(definition)

        monkeypatch.setenv("AIRFLOW_ML_MISSING_PYTHON", "worker")
        assert "is not found on this machine; the worker's" in builder.build(definition).warnings[0]

    def test_other_python(self, builder, define):
        """Another Python that is on the machine is used."""
        minor = next((m for m in (8, 9, 10, 12, 13) if m != sys.version_info[1] and _has_python(m)), None)
        if minor is None:
            pytest.skip("no second Python on this machine")

        built = builder.build(define("tiny", python=f"3.{minor}"))

        assert run(built.python, "import sys, tiny; print(sys.version_info[1])") == str(minor)
        assert built.warnings == ()

    def test_unwritable_folder(self, tmp_path, define):
        """A folder of environments that cannot be made is named."""
        (tmp_path / "file").write_text("")

        with pytest.raises(ServiceException, match=r"folder of environments '.*/file/x' cannot be used"):
            EnvironmentBuilder(tmp_path / "file" / "x").build(define("tiny"))

    @pytest.mark.network
    def test_from_the_index(self, builder):
        """A package comes from the package index, by its conda name."""
        built = builder.build({"name": "e", "python": {"conda_dependencies": {"dependencies": ["six=1.16.0"]}}})

        assert run(built.python, "import six; print(six.__version__)") == "1.16.0"
        assert built.warnings == ("environment 'e': conda packages are taken from pip as six==1.16.0",)


class TestCrashesAndRaces:
    def test_ten_at_once(self, tmp_path, define):
        """Ten processes that want the same environment build it once, and all get it."""
        command = [sys.executable, "-c", BUILD, str(tmp_path / "environments"), json.dumps(define("tiny"))]
        racing = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(10)]

        answers = [json.loads(process.communicate()[0]) for process in racing]

        assert len({python for python, _ in answers}) == 1
        assert sum("built" in log for _, log in answers) == 1

    def test_half_environment_is_rebuilt(self, builder, define):
        """A folder without a marker, as a killed builder leaves it, is not used but built anew."""
        built = builder.build(define("tiny"))
        folder = built.python.parent.parent
        (folder / MARKER_FILE).unlink()
        (folder / "half").touch()

        assert "built" in builder.build(define("tiny")).log
        assert not (folder / "half").exists()

    def test_other_halves_are_swept(self, builder, define, tmp_path):
        """Any build removes what killed builders of other environments left."""
        half = tmp_path / "environments" / "0123"
        half.mkdir(parents=True)

        builder.build(define("tiny"))

        assert not half.exists()

    def test_lost_python_below(self, builder, define):
        """An environment whose Python was removed from the machine is built anew."""
        built = builder.build(define("tiny"))
        built.python.unlink()
        built.python.symlink_to("/no/such/python")

        assert "built" in builder.build(define("tiny")).log
        assert run(built.python, "import tiny; print(tiny.VALUE)") == "1"

    def test_builder_killed(self, tmp_path, define, builder, barrier, has_ended):
        """The installer of a killed builder ends, nothing of it is used, and the environment is built anew."""
        slow = tmp_path / "bin" / "uv"
        slow.parent.mkdir()
        slow.write_text(f"#!/bin/sh\necho $$ > {barrier.path}\nexec sleep 600\n")
        slow.chmod(0o755)
        command = [sys.executable, "-c", BUILD, str(tmp_path / "environments"), json.dumps(define("tiny"))]
        environment = {**os.environ, "PATH": f"{slow.parent}:{os.environ['PATH']}"}
        process = subprocess.Popen(command, env=environment)
        (installer,) = barrier.wait()

        process.kill()
        process.wait()

        assert has_ended(installer)
        assert "built" in builder.build(define("tiny")).log
        assert not list((tmp_path / "environments" / ".building").iterdir())


def _has_python(minor: int) -> bool:
    uv = find_uv()
    command = [*uv, "python", "find", "--no-python-downloads", "--system", f"3.{minor}"] if uv else ["false"]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    return subprocess.run(command, capture_output=True).returncode == 0 or any(pyenv.glob(f"versions/3.{minor}.*"))
