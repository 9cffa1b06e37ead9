"""Whether this machine lets the processes of steps have mounts of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

__all__ = ["may_bind"]

_TRIAL = (
    "import os, sys; sys.path.append(sys.argv[1]); import keeper;"
    " os._exit(not keeper.bind_read_only([b'/proc', b'/proc']))"
)


@cache
def may_bind() -> bool:
    """Tell whether a process that this one starts may bind folders read-only; tried once, by one that does nothing."""
    if os.geteuid() != 0:
        return False
    command = [sys.executable, "-I", "-S", "-c", _TRIAL, str(Path(__file__).parent)]
    tried = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return tried.returncode == 0
