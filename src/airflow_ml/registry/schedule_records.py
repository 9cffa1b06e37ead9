"""What the registry gives out and takes about schedules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from airflow_ml.graph.model import Json
from airflow_ml.registry.records import ACTIVE

__all__ = ["ScheduleContent", "ScheduleRecord", "StartRecord", "Watch"]


@dataclass(frozen=True)
class Watch:
    """
    What a schedule on new data looks at.

    Attributes:
        path: a folder; "" is the datastore's root. What lies in folders below it does not count (v1).
        polling_minutes: between two looks.
        parameter: of the pipeline, which gets the path of the file; None where the pipeline does not want it.
    """

    datastore: str
    path: str = ""
    polling_minutes: int = 5
    parameter: str | None = None


@dataclass(frozen=True)
class ScheduleContent:
    """
    What a schedule is, and may become when it is updated.

    Attributes:
        pipeline_id: the published pipeline that it starts; None where it starts an endpoint's default.
        parameters: values of its runs by name, in the form that the graph holds them.
        continue_on_step_failure: None is what the pipeline was published with.
        recurrence: v1's fields, with `since`, the moment from which on it counts; None for a schedule on new data.
    """

    name: str
    experiment: str
    pipeline_id: str | None = None
    endpoint_id: str | None = None
    description: str | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    continue_on_step_failure: bool | None = None
    recurrence: Mapping[str, Json] | None = None
    watch: Watch | None = None


@dataclass(frozen=True)
class ScheduleRecord:
    """
    A schedule.

    Attributes:
        status: `Active` or `Disabled`.
        dag_id: of its DAG, whatever its name becomes.
        enabled_at: since when it is active; what was due before is not made up for.
    """

    id: str
    content: ScheduleContent
    status: str
    dag_id: str
    created_at: datetime
    enabled_at: datetime

    @property
    def is_active(self) -> bool:
        """Whether it starts runs."""
        return self.status == ACTIVE


@dataclass(frozen=True)
class StartRecord:
    """
    A run that a schedule starts, from before anything of it has happened.

    Attributes:
        cause: what it is started for; one cause never starts two runs.
        pipeline_id: the published pipeline, as it was chosen when the start was recorded.
        path: of the file that it is started for; None where the time has come.
        run_id: the run, once it is recorded.
        started_at: when Airflow had taken the run; None until then.
    """

    key: int
    cause: str
    pipeline_id: str
    path: str | None
    run_id: str | None
    started_at: datetime | None
