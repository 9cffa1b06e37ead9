"""`python -m airflow_ml.compat [--force] SCRIPT [ARGUMENT ...]`: run a script that says `azureml`."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from airflow_ml.compat.alias import enable

__all__ = ["main"]

_USAGE = "usage: python -m airflow_ml.compat [--force] SCRIPT [ARGUMENT ...]"


def main(arguments: list[str]) -> int:
    """
    Run the script as `python SCRIPT` would, with the alias.

    Returns:
        2 for wrong arguments, 1 if the real SDK is installed; the script's own exit otherwise.
    """
    force = arguments[:1] == ["--force"]
    script = arguments[1:] if force else arguments
    if not script or not Path(script[0]).is_file():
        sys.stderr.write(f"{_USAGE}\n")
        return 2
    if not enable(force=force):
        sys.stderr.write("the real Azure ML SDK is installed; pass --force to use airflow-ml in its place\n")
        return 1
    sys.argv = script
    sys.path[0] = str(Path(script[0]).resolve().parent)
    runpy.run_path(script[0], run_name="__main__")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
