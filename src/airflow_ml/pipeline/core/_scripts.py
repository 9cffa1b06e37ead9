"""Where a step's script is: v1's rules for `source_directory` and `script_name`."""

from __future__ import annotations

import os

from airflow_ml.exceptions import GraphError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from airflow_ml._records import dataclass

__all__ = ["ScriptPlace", "find_script"]


@dataclass(frozen=True)
class ScriptPlace:
    """
    Where a script is.

    Attributes:
        directory: the source directory, absolute, and otherwise as it was given: what holds `..` stays relative to the
            DAG file in the graph.
        script: the script's path inside, with slashes.
    """

    directory: str
    script: str


def find_script(step: str, base: str, folder: str, script: str) -> ScriptPlace:
    """
    Return where the script is; the source directory must have it.

    Args:
        base: where a relative source directory starts.

    Raises:
        ValueError: no such folder or script, or a script outside of the folder; the text has the absolute path (v1
            names it too).
    """
    directory = folder if folder.startswith(os.sep) else f"{base.rstrip(os.sep)}{os.sep}{folder}"
    root = os.path.normpath(directory)
    start = root.rstrip(os.sep) + os.sep
    place = os.path.normpath(script if script.startswith(os.sep) else start + script)
    if not place.startswith(start):
        raise GraphError(
            f"step {step!r}: script {place!r} is outside of the source directory {root!r}; choose a source directory"
            " that has it"
        )
    if os.path.isfile(place):
        return ScriptPlace(directory, place[len(start) :].replace(os.sep, "/"))
    if not os.path.isdir(root):
        raise GraphError(
            f"step {step!r}: source directory {root!r} does not exist, so script {place!r} was not found; check"
            " source_directory"
        )
    raise GraphError(f"step {step!r}: script not found at {place!r}; check script_name and source_directory")
