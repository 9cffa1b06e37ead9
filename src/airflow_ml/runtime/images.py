"""Images that a script logs: from a file, or drawn by a plotting library."""

from __future__ import annotations

import os
import time

from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime.artifacts import artifact_name, copy_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Any

    from airflow_ml.runtime.context import Context

__all__ = ["take"]


def take(context: Context, name: str, path: str | None, plot: Any, *, taken: Container[str]) -> tuple[str, str]:
    """
    Take an image into the run directory; return the artifact's name and where it lies.

    A file keeps its path as its name, a plot becomes `<name>_<unix time>.png` (v1). Names of plots that are `taken` are
    passed over, because several may be drawn within a second.

    Raises:
        UserErrorException: not exactly one of path and plot is given, or the plot cannot draw itself into a file.
    """
    if (path is None) == (plot is None):
        raise UserErrorException(f"image {name!r}: give exactly one of path and plot")
    if path is not None:
        inside = os.path.normpath(path)
        return artifact_name(os.path.basename(inside) if inside.startswith("..") else inside), copy_in(context, path)
    if not hasattr(plot, "savefig"):
        raise UserErrorException(
            f"image {name!r}: plot is {type(plot).__name__}, expected something with savefig, such as "
            "matplotlib.pyplot or a figure"
        )
    moment = int(time.time())
    while artifact_name(f"{name}_{moment}.png") in taken:
        moment += 1
    os.makedirs(context.directory.uploads, exist_ok=True)
    place = os.path.join(context.directory.uploads, f"{os.urandom(12).hex()}.png")
    plot.savefig(place, format="png")
    return artifact_name(f"{name}_{moment}.png"), place
