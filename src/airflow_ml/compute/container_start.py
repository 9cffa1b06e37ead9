"""
The shell script that starts a step's script inside its container, and what it writes down about the end.

The engine is told nothing but to run this file: neither variables nor arguments are in the container's configuration,
where everybody who may ask the engine could read them. Output goes into the step's log by itself, so that no
connection carries it that could break, and no second copy of it fills the engine's disk. Any POSIX shell will do.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ml.compute.request import ProcessRequest

__all__ = ["ASKED_FILE", "END_FILE", "MISSING_FILE", "START_FILE", "write_start"]

START_FILE = ".start.sh"
#: Holds the script's exit code, whether what it had left running was ended, and how often no process could be started
#: because there were too many; missing if something from outside killed the container.
END_FILE = ".end"
#: There if the container was asked to end, by us or by somebody else: the engine does it when it is stopped.
ASKED_FILE = ".asked"
#: There if the program is not in the image.
MISSING_FILE = ".missing"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

#: A script's background processes get what they get without a container (`airflow_ml.compute.keeper`): a second to
#: leave by themselves, a request, the end. Two processes are always there: docker-init and this shell.
_END = """\
code=$? cut=0 count=0
while set -- /proc/[0-9]*; [ $# -gt 2 ]; do
    case $count in 20) cut=1; kill -TERM -1 ;; 26) break ;; esac
    count=$((count + 1))
    sleep 0.05 || break
done 2>/dev/null
full=0
for file in /sys/fs/cgroup/pids.events /sys/fs/cgroup/pids/pids.events; do
    [ ! -r "$file" ] || while read -r key number; do [ "$key" != max ] || full=$number; done <"$file"
done
"""


def write_start(request: ProcessRequest) -> Path:
    """Write the file for a request into its attempt's directory, readable by its owner alone, and return its path."""
    path = request.attempt_directory / START_FILE
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write("".join(f"{line}\n" for line in _lines(request)).encode("utf-8", "surrogateescape"))
    return path


def _lines(request: ProcessRequest) -> Iterator[str]:
    program, *arguments = request.argv
    place = {name: _quoted(str(request.attempt_directory / name)) for name in (END_FILE, ASKED_FILE, MISSING_FILE)}
    yield f"exec >>{_quoted(str(request.log_path))} 2>&1 </dev/null"
    # It holds the variables; the shell has it open.
    yield 'rm -f "$0" 2>/dev/null'
    # The shell has to be there when the script ends, and a request to end goes to both (TINI_KILL_PROCESS_GROUP).
    yield f"trap ': >{place[ASKED_FILE]}' TERM"
    yield "unset TINI_KILL_PROCESS_GROUP"
    odd = []
    for name, value in request.environment.items():
        if _NAME.match(name):
            yield f"export {name}={_quoted(value)}"
        else:  # such a one no shell can set, but a program can have it
            odd.append(_quoted(f"{name}={value}"))
    yield f"program={_quoted(program)}"
    if program == "python":  # Debian's images have only the other one
        yield "command -v python >/dev/null 2>&1 || program=python3"
    yield f'command -v "$program" >/dev/null 2>&1 || {{ : >{place[MISSING_FILE]}; exit 127; }}'
    yield " ".join([*(["env", *odd] if odd else []), '"$program"', *map(_quoted, arguments)])
    yield _END.rstrip()
    yield f'echo "$code $cut $full" >{place[END_FILE]}'
    yield "exit $code"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
