"""Schedules (`azureml.pipeline.core.schedule`): a later version has them; recurrences and time zones are plain data."""

from __future__ import annotations

from airflow_ml._refusals import not_yet
from airflow_ml.pipeline.core._recurrence import ScheduleRecurrence, TimeZone

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.pipeline.core.run import PipelineRun

    # Here because inside the class `list` is v1's method.
    Schedules: TypeAlias = list["Schedule"]
    PipelineRuns: TypeAlias = list[PipelineRun]

__all__ = ["Schedule", "ScheduleRecurrence", "TimeZone"]

_INSTEAD = (
    'give the DAG file of the pipeline a schedule: pipeline.to_dag("name", schedule="@daily"), a cron '
    "expression, or Airflow assets"
)


class Schedule:
    """Runs of a published pipeline by the clock, or when data changes."""

    def __init__(
        self,
        workspace: Workspace,
        id: str,
        name: str,
        description: str | None,
        pipeline_id: str,
        status: str,
        recurrence: ScheduleRecurrence | None,
        datastore_name: str | None,
        polling_interval: int | None,
        data_path_parameter_name: str | None,
        continue_on_step_failure: bool | None,
        path_on_datastore: str | None,
        _schedule_provider: object = None,
        pipeline_endpoint_id: str | None = None,
    ) -> None:
        raise not_yet("Schedule", _INSTEAD)

    @property
    def continue_on_step_failure(self) -> bool | None:
        """Whether other branches go on after a failure."""
        raise not_yet("Schedule.continue_on_step_failure", _INSTEAD)

    @staticmethod
    def create(
        workspace: Workspace,
        name: str,
        pipeline_id: str,
        experiment_name: str,
        recurrence: ScheduleRecurrence | None = None,
        description: str | None = None,
        pipeline_parameters: Mapping[str, object] | None = None,
        wait_for_provisioning: bool = False,
        wait_timeout: int = 3600,
        datastore: AbstractDatastore | None = None,
        polling_interval: int | None = 5,
        data_path_parameter_name: str | None = None,
        continue_on_step_failure: bool | None = None,
        path_on_datastore: str | None = None,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> Schedule:
        """Make a schedule of a published pipeline."""
        raise not_yet("Schedule.create", _INSTEAD)

    @staticmethod
    def create_for_pipeline_endpoint(
        workspace: Workspace,
        name: str,
        pipeline_endpoint_id: str,
        experiment_name: str,
        recurrence: ScheduleRecurrence | None = None,
        description: str | None = None,
        pipeline_parameters: Mapping[str, object] | None = None,
        wait_for_provisioning: bool = False,
        wait_timeout: int = 3600,
        datastore: AbstractDatastore | None = None,
        polling_interval: int | None = 5,
        data_path_parameter_name: str | None = None,
        continue_on_step_failure: bool | None = None,
        path_on_datastore: str | None = None,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> Schedule:
        """Make a schedule of an endpoint."""
        raise not_yet("Schedule.create_for_pipeline_endpoint", _INSTEAD)

    @property
    def data_path_parameter_name(self) -> str | None:
        """The parameter that gets the path of the changed file."""
        raise not_yet("Schedule.data_path_parameter_name", _INSTEAD)

    @property
    def datastore_name(self) -> str | None:
        """The datastore that is watched."""
        raise not_yet("Schedule.datastore_name", _INSTEAD)

    @property
    def description(self) -> str | None:
        """Free text."""
        raise not_yet("Schedule.description", _INSTEAD)

    def disable(self, wait_for_provisioning: bool = False, wait_timeout: int = 3600) -> None:
        """Start no more runs."""
        raise not_yet("Schedule.disable", _INSTEAD)

    def enable(self, wait_for_provisioning: bool = False, wait_timeout: int = 3600) -> None:
        """Start runs again."""
        raise not_yet("Schedule.enable", _INSTEAD)

    @staticmethod
    def get(
        workspace: Workspace, id: str, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> Schedule:
        """Return the schedule of that id."""
        raise not_yet("Schedule.get", _INSTEAD)

    @staticmethod
    def get_all(
        workspace: Workspace,
        active_only: bool = True,
        pipeline_id: str | None = None,
        pipeline_endpoint_id: str | None = None,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> Schedules:
        """Return the schedules."""
        raise not_yet("Schedule.get_all", _INSTEAD)

    def get_last_pipeline_run(self) -> PipelineRun:
        """Return the newest run that it started."""
        raise not_yet("Schedule.get_last_pipeline_run", _INSTEAD)

    def get_pipeline_runs(self) -> PipelineRuns:
        """Return the runs that it started."""
        raise not_yet("Schedule.get_pipeline_runs", _INSTEAD)

    @staticmethod
    def get_schedules_for_pipeline_endpoint_id(
        workspace: Workspace,
        pipeline_endpoint_id: str,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> Schedules:
        """Return the schedules of an endpoint."""
        raise not_yet("Schedule.get_schedules_for_pipeline_endpoint_id", _INSTEAD)

    @staticmethod
    def get_schedules_for_pipeline_id(
        workspace: Workspace, pipeline_id: str, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> Schedules:
        """Return the schedules of a published pipeline."""
        raise not_yet("Schedule.get_schedules_for_pipeline_id", _INSTEAD)

    @property
    def id(self) -> str:
        """Its id."""
        raise not_yet("Schedule.id", _INSTEAD)

    @staticmethod
    def list(
        workspace: Workspace,
        active_only: bool = True,
        pipeline_id: str | None = None,
        pipeline_endpoint_id: str | None = None,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> Schedules:
        """Return the schedules."""
        raise not_yet("Schedule.list", _INSTEAD)

    @staticmethod
    def load_yaml(
        workspace: Workspace, filename: str, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> Schedule:
        """Make a schedule from a YAML file."""
        raise not_yet("Schedule.load_yaml", _INSTEAD)

    @property
    def name(self) -> str:
        """Its name."""
        raise not_yet("Schedule.name", _INSTEAD)

    @property
    def path_on_datastore(self) -> str | None:
        """The folder that is watched."""
        raise not_yet("Schedule.path_on_datastore", _INSTEAD)

    @property
    def pipeline_endpoint_id(self) -> str | None:
        """The endpoint that it starts."""
        raise not_yet("Schedule.pipeline_endpoint_id", _INSTEAD)

    @property
    def pipeline_id(self) -> str | None:
        """The published pipeline that it starts."""
        raise not_yet("Schedule.pipeline_id", _INSTEAD)

    @property
    def polling_interval(self) -> int | None:
        """Minutes between two looks at the datastore."""
        raise not_yet("Schedule.polling_interval", _INSTEAD)

    @property
    def recurrence(self) -> ScheduleRecurrence | None:
        """When it starts runs."""
        raise not_yet("Schedule.recurrence", _INSTEAD)

    @property
    def status(self) -> str:
        """`Active` or `Disabled`."""
        raise not_yet("Schedule.status", _INSTEAD)

    def update(
        self,
        name: str | None = None,
        description: str | None = None,
        recurrence: ScheduleRecurrence | None = None,
        pipeline_parameters: Mapping[str, object] | None = None,
        status: str | None = None,
        wait_for_provisioning: bool = False,
        wait_timeout: int = 3600,
        datastore: AbstractDatastore | None = None,
        polling_interval: int | None = None,
        data_path_parameter_name: str | None = None,
        continue_on_step_failure: bool | None = None,
        path_on_datastore: str | None = None,
    ) -> None:
        """Change the schedule."""
        raise not_yet("Schedule.update", _INSTEAD)
