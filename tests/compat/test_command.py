"""`python -m airflow_ml.compat`: code that says `azureml`, run as plain python would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SAYS_AZUREML = "import sys\nimport azureml.core\nprint(azureml.core.__name__, __name__, sys.argv[1:])\n"


def compat(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder."""
    command = [sys.executable, "-m", "airflow_ml.compat", *arguments]
    variables = {name: value for name, value in os.environ.items() if name != "AIRFLOW_ML_COMPAT"}
    return subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env={**variables, **environment}, check=False
    )


def test_script_module_and_code_have_the_alias(tmp_path: Path) -> None:
    """All three forms of python's command line, with their arguments."""
    (tmp_path / "script.py").write_text(SAYS_AZUREML)

    for form in (["script.py"], ["-m", "script"], ["-c", SAYS_AZUREML]):
        done = compat(*form, "--a", "b c", cwd=tmp_path)

        assert done.stdout.strip() == "airflow_ml.core __main__ ['--a', 'b c']", (form, done.stderr)


def test_script_finds_its_neighbours_and_its_exit(tmp_path: Path) -> None:
    """Modules beside the script can be imported, and its exit code is the command's."""
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "neighbour.py").write_text("VALUE = 5\n")
    (tmp_path / "inner" / "script.py").write_text("from neighbour import VALUE\nraise SystemExit(VALUE)\n")

    assert compat("inner/script.py", cwd=tmp_path).returncode == 5


def test_pytest_runs_with_the_alias(tmp_path: Path) -> None:
    """`-m pytest` collects tests that say `azureml`."""
    (tmp_path / "test_it.py").write_text("from azureml.core import Workspace\ndef test_it(): assert Workspace\n")

    done = compat("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)

    assert "1 passed" in done.stdout, done.stdout + done.stderr


def test_started_processes_are_told(tmp_path: Path) -> None:
    """What the code starts finds the variable that the start-up file looks at."""
    code = "import os; print(os.environ['AIRFLOW_ML_COMPAT'])"

    assert compat("-c", code, cwd=tmp_path).stdout.strip() == "1"
    assert compat("--force", "-c", code, cwd=tmp_path).stdout.strip() == "force"


def test_usage(tmp_path: Path) -> None:
    """Wrong calls say how it is called, and where notebooks run."""
    nothing, missing, notebook = (compat(*given, cwd=tmp_path) for given in ([], ["missing.py"], ["a.ipynb"]))

    assert nothing.returncode == missing.returncode == notebook.returncode == 2
    assert nothing.stderr.startswith("usage")
    assert "'missing.py' is not there" in missing.stderr
    assert "AIRFLOW_ML_COMPAT=1" in notebook.stderr
