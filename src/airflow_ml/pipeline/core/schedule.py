"""
Schedules (`azureml.pipeline.core.schedule`): runs of a published pipeline by the clock, or when data changes.

The module is long because v1's signatures are: what happens stands in `_schedule_content` and behind `_engine`.
"""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import GraphError
from airflow_ml.pipeline import _engine
from airflow_ml.pipeline.core._recurrence import ScheduleRecurrence, TimeZone

TYPE_CHECKING = False
if TYPE_CHECKING:
    import warnings
    from collections.abc import Mapping
    from typing import Any, TypeAlias

    from airflow_ml import registry as registries
    from airflow_ml.core import _notebook_tables
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.pipeline.core import _schedule_content
    from airflow_ml.pipeline.core import run as pipeline_run
    from airflow_ml.pipeline.core.run import PipelineRun
    from airflow_ml.registry import ScheduleRecord

    # Here because inside the class `list` is v1's method.
    Schedules: TypeAlias = list["Schedule"]
    PipelineRuns: TypeAlias = list[PipelineRun]
else:
    _notebook_tables = late("airflow_ml.core._notebook_tables")
    _schedule_content = late("airflow_ml.pipeline.core._schedule_content")
    pipeline_run = late("airflow_ml.pipeline.core.run")
    registries = late("airflow_ml.registry")
    warnings = late("warnings")

__all__ = ["Schedule", "ScheduleRecurrence", "TimeZone"]

#: v1's words.
_ACTIVE, _DISABLED = "Active", "Disabled"


class Schedule:
    """
    Runs of a published pipeline, or of an endpoint's default version, by the clock or when data changes.

    `create` and `create_for_pipeline_endpoint` make one, `get` and `list` find those that there are. In Airflow each
    is a DAG of its own; pausing that DAG disables the schedule, and `enable` starts it again.

    Args:
        id: its id in the workspace.
        status: `Active` or `Disabled`.
        recurrence: when it starts runs; None for one on new data.
        polling_interval: minutes between two looks at the datastore.
    """

    def __init__(
        self,
        workspace: Workspace,
        id: str,
        name: str,
        description: str | None,
        pipeline_id: str | None,
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
        self._workspace = workspace
        self._id = id
        self._name = name
        self._description = description
        self._pipeline_id = pipeline_id
        self._status = status
        self._recurrence = recurrence
        self._datastore_name = datastore_name
        self._polling_interval = polling_interval
        self._data_path_parameter_name = data_path_parameter_name
        self._continue_on_step_failure = continue_on_step_failure
        self._path_on_datastore = path_on_datastore
        self._pipeline_endpoint_id = pipeline_endpoint_id

    @classmethod
    def _of(cls, workspace: Workspace, record: ScheduleRecord, *, is_paused: bool = False) -> Schedule:
        content, watch = record.content, record.content.watch
        return cls(
            workspace=workspace,
            id=record.id,
            name=content.name,
            description=content.description,
            pipeline_id=content.pipeline_id,
            status=_DISABLED if is_paused else record.status,
            recurrence=_schedule_content.recurrence_of(content.recurrence),
            datastore_name=None if watch is None else watch.datastore,
            polling_interval=None if watch is None else watch.polling_minutes,
            data_path_parameter_name=None if watch is None else watch.parameter,
            continue_on_step_failure=content.continue_on_step_failure,
            path_on_datastore=None if watch is None else watch.path or None,
            pipeline_endpoint_id=content.endpoint_id,
        )

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
        """
        Make a schedule of a published pipeline, which is active from then on.

        Args:
            recurrence: the times at which it starts a run.
            pipeline_parameters: values for its runs.
            wait_for_provisioning: return when Airflow has its DAG; at most ten minutes, whatever `wait_timeout` says.
            datastore: in place of a recurrence, the blob container in which new and changed blobs start a run each.
            polling_interval: minutes between two looks at it.
            data_path_parameter_name: the parameter that gets the path of the blob.
            continue_on_step_failure: None is what the pipeline was published with.
            path_on_datastore: the folder that counts; folders below it do not (v1).

        Raises:
            ValueError: a recurrence and a datastore, or neither; a recurrence that cannot be; a datastore of another
                kind.
            UserErrorException: the pipeline or a parameter is not there or not right, or the pipeline is disabled.
        """
        content = registries.ScheduleContent(
            name, experiment_name, pipeline_id, None, description, {}, continue_on_step_failure
        )
        data = {"data_path_parameter_name": data_path_parameter_name, "path_on_datastore": path_on_datastore}
        return Schedule._create(
            workspace,
            content,
            wait=wait_for_provisioning,
            recurrence=recurrence,
            pipeline_parameters=pipeline_parameters,
            polling_interval=polling_interval,
            datastore=datastore,
            **data,
        )

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
        """Make a schedule of an endpoint: its runs are of the version that is the default when they start."""
        content = registries.ScheduleContent(
            name, experiment_name, None, pipeline_endpoint_id, description, {}, continue_on_step_failure
        )
        data = {"data_path_parameter_name": data_path_parameter_name, "path_on_datastore": path_on_datastore}
        return Schedule._create(
            workspace,
            content,
            wait=wait_for_provisioning,
            recurrence=recurrence,
            pipeline_parameters=pipeline_parameters,
            polling_interval=polling_interval,
            datastore=datastore,
            **data,
        )

    @staticmethod
    def _create(workspace: Workspace, content: Any, *, wait: bool, **given: Any) -> Schedule:
        made = _schedule_content.content_of(workspace, content, **given)
        return Schedule._of(workspace, _engine.create_schedule(workspace.ref, made, wait=wait))

    @staticmethod
    def get(
        workspace: Workspace, id: str, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> Schedule:
        """
        Return the schedule of that id.

        Raises:
            UserErrorException: the workspace has none of that id.
        """
        return Schedule._with_states(workspace, [workspace.registry().schedules.get(id)])[0]

    @staticmethod
    def list(
        workspace: Workspace,
        active_only: bool = True,
        pipeline_id: str | None = None,
        pipeline_endpoint_id: str | None = None,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> Schedules:
        """Return the workspace's schedules in the order of their creation; of one pipeline or endpoint, all (v1)."""
        if pipeline_id is not None:
            return Schedule.get_schedules_for_pipeline_id(workspace, pipeline_id)
        if pipeline_endpoint_id is not None:
            return Schedule.get_schedules_for_pipeline_endpoint_id(workspace, pipeline_endpoint_id)
        found = Schedule._with_states(workspace, workspace.registry().schedules.list(active_only=active_only))
        return [schedule for schedule in found if schedule.status == _ACTIVE or not active_only]

    @staticmethod
    def get_all(
        workspace: Workspace,
        active_only: bool = True,
        pipeline_id: str | None = None,
        pipeline_endpoint_id: str | None = None,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> Schedules:
        """Return what `list` does; v1's older name, which v1 warns of."""
        warnings.warn("Schedule.get_all is the old name of Schedule.list", stacklevel=2)
        return Schedule.list(workspace, active_only, pipeline_id, pipeline_endpoint_id)

    @staticmethod
    def get_schedules_for_pipeline_id(
        workspace: Workspace, pipeline_id: str, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> Schedules:
        """Return the schedules of a published pipeline, disabled ones too."""
        records = workspace.registry().schedules.list(active_only=False, pipeline_id=pipeline_id)
        return Schedule._with_states(workspace, records)

    @staticmethod
    def get_schedules_for_pipeline_endpoint_id(
        workspace: Workspace,
        pipeline_endpoint_id: str,
        _workflow_provider: object = None,
        _service_endpoint: object = None,
    ) -> Schedules:
        """Return the schedules of an endpoint, disabled ones too."""
        records = workspace.registry().schedules.list(active_only=False, endpoint_id=pipeline_endpoint_id)
        return Schedule._with_states(workspace, records)

    @staticmethod
    def _with_states(workspace: Workspace, records: Any) -> Schedules:
        paused = _engine.paused_dags(workspace.ref, [record.dag_id for record in records])
        return [Schedule._of(workspace, record, is_paused=record.dag_id in paused) for record in records]

    @staticmethod
    def load_yaml(
        workspace: Workspace, filename: str, _workflow_provider: object = None, _service_endpoint: object = None
    ) -> dict[str, Any]:
        """
        Return the arguments of `create` that a YAML file holds; `datastore_name` is the datastore itself (v1).

        Raises:
            ValueError: it has no section `Schedule`, or a recurrence that cannot be.
        """
        return _schedule_content.read_yaml(workspace, filename)

    @property
    def id(self) -> str:
        """Its id in the workspace."""
        return self._id

    @property
    def name(self) -> str:
        """Its name, which others may have too."""
        return self._name

    @property
    def description(self) -> str | None:
        """Free text."""
        return self._description

    @property
    def pipeline_id(self) -> str | None:
        """The published pipeline that it starts; None for one of an endpoint."""
        return self._pipeline_id

    @property
    def pipeline_endpoint_id(self) -> str | None:
        """The endpoint whose default version it starts; None for one of a published pipeline."""
        return self._pipeline_endpoint_id

    @property
    def status(self) -> str:
        """`Active`, or `Disabled` while it starts no runs; as this object last saw it (v1)."""
        return self._status

    @property
    def recurrence(self) -> ScheduleRecurrence | None:
        """When it starts runs; None for one on new data."""
        return self._recurrence

    @property
    def datastore_name(self) -> str | None:
        """The datastore that it watches; None for one by the clock."""
        return self._datastore_name

    @property
    def polling_interval(self) -> int | None:
        """Minutes between two looks at the datastore."""
        return self._polling_interval

    @property
    def data_path_parameter_name(self) -> str | None:
        """The parameter that gets the path of the changed file."""
        return self._data_path_parameter_name

    @property
    def continue_on_step_failure(self) -> bool | None:
        """Whether steps that do not need a failed one go on; None is what the pipeline was published with."""
        return self._continue_on_step_failure

    @property
    def path_on_datastore(self) -> str | None:
        """The folder that is watched; None is the whole datastore's."""
        return self._path_on_datastore

    def enable(self, wait_for_provisioning: bool = False, wait_timeout: int = 3600) -> None:
        """Start runs again; what was due meanwhile is not made up for, files that have changed meanwhile count."""
        self._set_active(active=True)

    def disable(self, wait_for_provisioning: bool = False, wait_timeout: int = 3600) -> None:
        """Start no more runs; those that it has started go on."""
        self._set_active(active=False)

    def _set_active(self, *, active: bool) -> None:
        self._status = _engine.set_schedule_active(self._workspace.ref, self._id, active=active).status

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
        """
        Change the schedule; what is None stays. Values of parameters replace all that were given before.

        Raises:
            ValueError: a recurrence for a schedule on new data, or the other way round; a status that is none.
        """
        if status is not None and status not in (_ACTIVE, _DISABLED):
            raise GraphError(f"schedule {self._name!r}: status is {status!r}; give {_ACTIVE!r} or {_DISABLED!r}")
        content = _schedule_content.changed_content(
            self._workspace,
            self._workspace.registry().schedules.get(self._id).content,
            recurrence=recurrence,
            pipeline_parameters=pipeline_parameters,
            watch={
                "datastore": datastore,
                "polling_interval": polling_interval,
                "data_path_parameter_name": data_path_parameter_name,
                "path_on_datastore": path_on_datastore,
            },
            name=name,
            description=description,
            continue_on_step_failure=continue_on_step_failure,
        )
        record = _engine.update_schedule(self._workspace.ref, self._id, content, wait=wait_for_provisioning)
        state = self._status
        vars(self).update(vars(Schedule._of(self._workspace, record)), _status=state)
        if status is not None:
            self._set_active(active=status == _ACTIVE)

    def get_pipeline_runs(self) -> PipelineRuns:
        """Return the runs that it has started, the newest first."""
        return self._runs(limit=None)

    def get_last_pipeline_run(self) -> PipelineRun | None:
        """Return the newest run that it has started; None if there is none yet (v1)."""
        runs = self._runs(limit=1)
        return runs[0] if runs else None

    def _runs(self, *, limit: int | None) -> PipelineRuns:
        registry = self._workspace.registry()
        found = [registry.runs.find(run_id) for run_id in registry.schedule_starts.runs(self._id, limit=limit)]
        return [pipeline_run.PipelineRun.get(self._workspace, run.id) for run in found if run is not None]

    def _shown(self) -> dict[str, str]:
        values = {
            "Name": self._name,
            "Id": self._id,
            "Status": self._status,
            "Pipeline Id": self._pipeline_id,
            "Pipeline Endpoint Id": self._pipeline_endpoint_id,
            "Datastore": self._datastore_name,
            "Path on Datastore": self._path_on_datastore,
        }
        when = None if self._recurrence is None else f"every {self._recurrence.interval} {self._recurrence.frequency}"
        return {name: value for name, value in {**values, "Recurrence": when}.items() if value is not None}

    def __repr__(self) -> str:
        shown = ",\n".join(f"{name}: {value}" for name, value in self._shown().items())
        return f"Schedule({shown})"

    def _repr_html_(self) -> str:
        return _notebook_tables.row_of(self._shown(), {})
