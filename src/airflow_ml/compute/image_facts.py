"""
What Python an image has, found out by asking it once: for that a container of it is started.

The answers are kept in a file per image id, and an id never means another image.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from airflow_ml.exceptions import RunEnvironmentException

if TYPE_CHECKING:
    from airflow_ml.compute.image_programs import ImagePrograms

__all__ = ["ImagePython", "image_python"]

#: uv knows these versions of glibc as platforms; a wheel for an older one runs on a newer one.
_GLIBC_MINORS = (17, 28, *range(31, 41))
#: Prints one line of JSON; runs on every Python 3.
_QUESTION = """
import json, os, platform, sys
try:
    libc = os.confstr('CS_GNU_LIBC_VERSION') or ''
except (ValueError, OSError):
    libc = ''
print(json.dumps(['%d.%d.%d' % sys.version_info[:3], sys.executable, platform.machine(), libc]))
"""


@dataclass(frozen=True)
class ImagePython:
    """
    The interpreter of an image.

    Attributes:
        path: in the image.
        version: all three numbers.
        machine: such as `x86_64`.
        libc: such as `glibc 2.36`; empty where it is another C library, which is musl as a rule.
    """

    path: str
    version: str
    machine: str
    libc: str

    @property
    def minor(self) -> str:
        """Such as `3.11`."""
        return ".".join(self.version.split(".")[:2])

    @property
    def platform(self) -> str:
        """The platform in uv's words."""
        words = self.libc.split()
        if len(words) != 2 or words[0] != "glibc":
            return f"{self.machine}-unknown-linux-musl"
        minor = int(words[1].split(".")[1])
        known = max((known for known in _GLIBC_MINORS if known <= minor), default=_GLIBC_MINORS[0])
        return f"{self.machine}-manylinux_2_{known}"


def image_python(programs: ImagePrograms, image_id: str, wanted: str = "python") -> ImagePython | None:
    """
    Return the interpreter of an image, or None if it has none.

    Args:
        wanted: its name or path in the image; `python` may be called `python3` there.
    """
    file = programs.root / ".images" / f"{image_id.rpartition(':')[2]}-{wanted.replace('/', '_')}.json"
    with suppress(OSError, ValueError, TypeError):
        return ImagePython(**json.loads(file.read_bytes()))
    found = _ask(programs, image_id, wanted)
    if found is not None:
        part = file.with_suffix(f".{os.getpid()}")
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(asdict(found)))
        part.replace(file)
    return found


def _ask(programs: ImagePrograms, image_id: str, wanted: str) -> ImagePython | None:
    for name in ("python", "python3") if wanted in ("", "python", "python3") else (wanted,):
        try:
            ended = programs.run(image_id, [name, "-I", "-S", "-c", _QUESTION], "question")
        except RunEnvironmentException:  # there is no such program in it
            continue
        lines = ended.output.strip().splitlines()
        if ended.exit_code == 0 and lines:
            with suppress(ValueError):
                version, path, machine, libc = json.loads(lines[-1])
                return ImagePython(path or name, version, machine, libc)
    return None
