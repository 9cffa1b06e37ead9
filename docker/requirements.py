"""Print what airflow-ml needs, with the extras that are named: what an image can install before its code is there."""

import sys
from pathlib import Path
from unittest import mock

#: What `setup.py` tells setuptools.
TOLD = mock.Mock()

with mock.patch("setuptools.setup", TOLD):
    exec(compile(Path("setup.py").read_text(encoding="utf-8"), "setup.py", "exec"), {"__file__": "setup.py"})  # noqa: S102
[arguments] = [call.kwargs for call in TOLD.call_args_list]
extras = [requirement for name in sys.argv[1:] for requirement in arguments["extras_require"][name]]
print("\n".join([*arguments["install_requires"], *extras]))  # noqa: T201
