"""
`python -m airflow_ml.compat`: run code that says `azureml`, as plain `python` would.

    python -m airflow_ml.compat [--force] SCRIPT [ARGUMENT ...]
    python -m airflow_ml.compat [--force] -m MODULE [ARGUMENT ...]
    python -m airflow_ml.compat [--force] -c CODE [ARGUMENT ...]

Python processes that the code starts have the alias too.
"""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

from airflow_ml.compat.alias import enable

__all__ = ["main"]

_USAGE = "usage: python -m airflow_ml.compat [--force] (SCRIPT | -m MODULE | -c CODE) [ARGUMENT ...]"


def main(arguments: list[str]) -> int:
    """
    Run the code with the alias.

    Returns:
        2 for wrong arguments, 1 if the real SDK is installed; the code's own exit otherwise.
    """
    force = arguments[:1] == ["--force"]
    kind, rest = _read(arguments[1:] if force else arguments)
    if not rest:
        sys.stderr.write(f"{kind}\n{_USAGE}\n".lstrip())
        return 2
    if not enable(force=force):
        sys.stderr.write("the real Azure ML SDK is installed; pass --force to use airflow-ml in its place\n")
        return 1
    if force:
        os.environ["AIRFLOW_ML_COMPAT"] = "force"
    elif os.environ.get("AIRFLOW_ML_COMPAT") != "force":
        os.environ["AIRFLOW_ML_COMPAT"] = "1"
    _run(kind, rest)
    return 0


def _read(arguments: list[str]) -> tuple[str, list[str]]:
    """Return `-m`, `-c` or `script` with what follows; nothing follows what is wrong, and the first is what to say."""
    first = arguments[0] if arguments else ""
    if first in ("-m", "-c"):
        return first, arguments[1:]
    if first.endswith(".ipynb"):
        return (
            f"{first!r} is a notebook, which runs in a kernel: set AIRFLOW_ML_COMPAT=1 and start Jupyter, or run it "
            f"with python -m airflow_ml.compat -m nbconvert --to notebook --execute {first}"
        ), []
    if not first:
        return "", []
    return ("script", arguments) if Path(first).exists() else (f"{first!r} is not there", [])


def _run(kind: str, arguments: list[str]) -> None:
    if kind == "-m":
        sys.argv = arguments
        sys.path[0] = os.getcwd()
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        sys.argv = ["-c", *arguments[1:]]
        sys.path[0] = ""
        main_module = sys.modules["__main__"] = type(sys)("__main__")
        exec(compile(arguments[0], "<string>", "exec"), vars(main_module))  # noqa: S102 - what the user typed
    else:
        sys.argv = arguments
        if not Path(arguments[0]).is_dir():  # a folder or archive puts itself on the path
            sys.path[0] = str(Path(arguments[0]).resolve().parent)
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
