"""`airflow-ml demo`: a small pipeline, made in a folder of its own and run on this machine."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

from airflow_ml.cli._arguments import add_json_argument, describe
from airflow_ml.exceptions import UserErrorException

__all__ = ["add_to"]

_DESCRIPTION = """
Writes a pipeline of three steps into a folder, runs it on this machine, and shows what came of it: metrics, outputs, a
registered model. Its files need nothing besides Python; change one and run again: the steps that are not concerned take
their earlier results. The workspace lies in the folder as well, so nothing else of this machine is touched.
"""
_EXAMPLES = """
airflow-ml demo
cd airflow-ml-demo && airflow-ml plan pipeline.py -p depth=3
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("demo", help=words)
    describe(parser, _DESCRIPTION, _EXAMPLES)
    parser.add_argument("folder", nargs="?", default="airflow-ml-demo", metavar="FOLDER", help="default: %(default)s")
    add_json_argument(parser)
    parser.set_defaults(run=_demo)


def _demo(arguments: argparse.Namespace) -> int:
    folder = Path(arguments.folder)
    if folder.exists() and not (folder / "pipeline.py").is_file():
        raise UserErrorException(f"demo: {str(folder)!r} is there and holds something else; name another folder")
    is_new = not folder.exists()
    if is_new:
        _write_files(folder)
    home = str((folder / ".airflow_ml").absolute())
    if not arguments.json:
        sys.stdout.write(f"{folder}: {'pipeline.py and the scripts of its steps' if is_new else 'as it is'}\n\n")
        sys.stdout.flush()
    code = _run(folder, home, as_json=arguments.json)
    if not arguments.json:
        sys.stdout.write(f"\nonce more, and nothing runs twice:\n  export AIRFLOW_ML_HOME={home}\n")
        sys.stdout.write(f"  cd {folder} && airflow-ml run pipeline.py\n")
    return code


def _run(folder: Path, home: str, *, as_json: bool) -> int:
    """Run the pipeline as anybody would, in a process whose home is the folder's own."""
    command = [sys.executable, "-m", "airflow_ml.cli.main", "run", "pipeline.py", *(["--json"] if as_json else [])]
    own = {name: value for name, value in os.environ.items() if name != "AIRFLOW_ML_REGISTRY"}
    return subprocess.run(command, cwd=folder, env={**own, "AIRFLOW_ML_HOME": home}, check=False).returncode


def _write_files(folder: Path) -> None:
    source = resources.files("airflow_ml.cli") / "demo"
    for part in ("pipeline.py", "prepare/prepare.py", "train/train.py", "compare/compare.py"):
        target = folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        # Not called .py in the package: they are no modules of it.
        target.write_text((source / f"{part}.txt").read_text(encoding="utf-8"), encoding="utf-8")
