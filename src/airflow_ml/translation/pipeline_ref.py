"""What the tasks of one pipeline share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ml.graph import Graph

__all__ = ["ANNOUNCEMENT_KEY", "RUN_KEY", "PipelineRef"]

#: Key of a DAG run's conf that names a pipeline run which `Experiment.submit` has recorded already.
RUN_KEY = "airflow_ml_run_id"

#: Key of the XCom by which a task lists XComs of others (`airflow_ml.plugins.announcements`).
ANNOUNCEMENT_KEY = "airflow_ml_announcement"


@dataclass(frozen=True)
class PipelineRef:
    """
    A pipeline as its tasks know it.

    Attributes:
        experiment: collects the runs.
        group_id: the task group's id with its parents', "" where the pipeline is the whole DAG. With the DAG's id and
            the DAG run's id it names one pipeline run of the workspace.
        has_templates: the pipeline stands in a DAG file of a team, where texts in arguments and defaults of parameters
            are templates, as in all of Airflow.
        templates: the defaults of parameters as they stand in the file, where those of the graph are rendered.
    """

    graph: Graph
    experiment: str
    group_id: str = ""
    continue_on_failure: bool = False
    has_templates: bool = False
    templates: Mapping[str, str] = field(default_factory=dict)
