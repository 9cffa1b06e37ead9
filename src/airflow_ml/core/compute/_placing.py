"""Where the steps of a target run in Airflow, and what a node has: what v1's configurations do not say."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import ComputeTargetException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.compute import targets
    from airflow_ml.graph.model import Json
else:
    targets = late("airflow_ml.compute.targets")

__all__ = ["placing_settings"]


def placing_settings(
    where: str, *, launcher: str | None = None, executor: str | None = None, gpus: int | None = None
) -> dict[str, Json]:
    """
    Return these settings as they are recorded; what is not said is left out.

    Args:
        where: what the configuration is of, for errors.
        launcher: `process`, `docker` or `kubernetes`: what starts a step's script.
        executor: the name under which Airflow's configuration has the executor of the target's tasks.
        gpus: of one node, where its VM size does not say so.

    Raises:
        ComputeTargetException: a launcher that there is not, or a number of GPUs that cannot be.
    """
    if launcher is not None and launcher not in targets.LAUNCHERS:
        raise ComputeTargetException(
            f"{where}: launcher is {launcher!r}, expected one of {', '.join(targets.LAUNCHERS)}"
        )
    if gpus is not None and (isinstance(gpus, bool) or not isinstance(gpus, int) or gpus < 0):
        raise ComputeTargetException(f"{where}: gpus is {gpus!r}, expected the number of GPUs of one node")
    settings: dict[str, Json] = {"launcher": launcher, "executor": executor or None, "gpus": gpus}
    return {name: value for name, value in settings.items() if value is not None}
