"""
Who is calling: a DAG file that Airflow is parsing, or anything else.

Airflow loads each DAG file as a module of its own whose name starts with `unusual_prefix_`. Such a module on the
stack tells two things: where relative paths of the file start, and, while the file's own top level is being
executed, that nothing may touch a database or the network.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["base_directory", "is_parsing_dag"]

_DAG_MODULE = "unusual_prefix_"

#: The folder of each DAG file behind its links; every step of a file asks for it.
_folders: dict[str, str] = {}


def _dag_frames() -> Iterator[FrameType]:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).startswith(_DAG_MODULE):
            yield frame
        frame = frame.f_back


def base_directory() -> str:
    """
    Return the folder that relative paths of the calling code start from.

    That is the folder of the DAG file that Airflow loaded, if one is on the stack (a helper module that the DAG file
    imports counts as part of it), and the current folder everywhere else.
    """
    for frame in _dag_frames():
        file = frame.f_code.co_filename
        if file not in _folders:
            _folders[file] = os.path.dirname(os.path.realpath(file))
        return _folders[file]
    return os.getcwd()


def is_parsing_dag() -> bool:
    """
    Tell whether the top level of a DAG file is being executed by Airflow right now.

    A task of the same file that runs later is not parsing: then a function of the module is on the stack, not the
    module itself.
    """
    return any(frame.f_code.co_name == "<module>" for frame in _dag_frames())
