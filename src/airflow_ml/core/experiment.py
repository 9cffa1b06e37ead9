"""Named series of runs (`azureml.core.experiment`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.core._run_filters import has_labels
from airflow_ml.core._submission import check_submittable
from airflow_ml.exceptions import UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    from airflow_ml.core import _interactive, _notebook_tables
    from airflow_ml.core import run as runs
    from airflow_ml.core._run_filters import Labels
    from airflow_ml.core._submission import Run_co, Submittable
    from airflow_ml.core.run import Run
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.registry import ExperimentRecord
    from airflow_ml.registry.experiments import Experiments

    #: Written here because inside the class `list` is v1's method.
    ManyExperiments: TypeAlias = "list[Experiment]"
    Names: TypeAlias = "list[str]"
else:
    _interactive = late("airflow_ml.core._interactive")
    _notebook_tables = late("airflow_ml.core._notebook_tables")
    runs = late("airflow_ml.core.run")

__all__ = ["Experiment"]

_LONGEST_NAME = 255

#: v1's words for what `Experiment.list` shows: whether archived ones are wanted.
_VIEWS = {"ActiveOnly": (False,), "ArchivedOnly": (True,), "All": (False, True)}


class Experiment:
    """
    A named series of runs of a workspace.

    Making the object touches nothing; the experiment is recorded with its first run, or when something of its record
    is asked for or changed. Every look is a fresh one.

    Args:
        name: letters, digits, `_`, `-`, `.` and blanks.
        _id, _archived_time, _create_in_cloud, _experiment_dto: v1's internal ones, without effect.

    Raises:
        UserErrorException: a name with other characters.
    """

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        _skip_name_validation: bool = False,
        _id: str | None = None,
        _archived_time: str | None = None,
        _create_in_cloud: bool = True,
        _experiment_dto: object = None,
        **kwargs: object,
    ) -> None:
        if not _skip_name_validation and not _is_name(name):
            raise UserErrorException(
                f"experiment {name!r}: a name has 1 to {_LONGEST_NAME} letters, digits, '_', '-', '.' or blanks, the"
                " first one a letter, digit or '_'"
            )
        self._workspace = workspace
        self._name = name

    @staticmethod
    def list(
        workspace: Workspace, experiment_name: str | None = None, view_type: str = "ActiveOnly", tags: Labels = None
    ) -> ManyExperiments:
        """
        Return the workspace's experiments by name.

        Args:
            experiment_name: only the one of that name.
            view_type: `ActiveOnly`, `ArchivedOnly` or `All`.
            tags: a name, or names with values; the experiment must have all of them.

        Raises:
            UserErrorException: another view type.
        """
        view = str(getattr(view_type, "value", view_type))
        if view not in _VIEWS:
            raise UserErrorException(f"Experiment.list: view_type {view!r}, expected one of {', '.join(_VIEWS)}")
        return [
            Experiment(workspace, record.name, _skip_name_validation=True)
            for record in workspace.registry().experiments.list(include_archived=True)
            if (record.archived_at is not None) in _VIEWS[view]
            and experiment_name in (None, record.name)
            and has_labels(record.tags, tags)
        ]

    @staticmethod
    def from_directory(path: str, auth: object = None) -> Experiment:
        """
        Return the experiment that a folder is attached to by v1's `.azureml/project.json`; an old form of v1.

        Raises:
            UserErrorException: the folder has no such file, or no workspace configuration.
        """
        return _interactive.experiment_of_folder(path, auth)

    @staticmethod
    def delete(workspace: Workspace, experiment_id: str) -> None:
        """
        Forget an experiment that has no runs (v1's rule too).

        Raises:
            UserErrorException: there is none of that id, or it has runs.
        """
        workspace.registry().experiments.delete(experiment_id)

    @property
    def _experiments(self) -> Experiments:
        return self._workspace.registry().experiments

    @property
    def _record(self) -> ExperimentRecord:
        """The record as it is now; made if there is none yet."""
        return self._experiments.get_or_create(self._name)

    @property
    def workspace(self) -> Workspace:
        """The workspace that holds the experiment."""
        return self._workspace

    @property
    def workspace_object(self) -> Workspace:
        """v1's other name for `workspace`."""
        return self._workspace

    @property
    def name(self) -> str:
        """The experiment's name."""
        return self._name

    @property
    def id(self) -> str:
        """The experiment's id."""
        return self._record.id

    @property
    def identity(self) -> str:
        """v1's name of the object for logs: class and name."""
        return f"{type(self).__name__}#{self._name}"

    @property
    def archived_time(self) -> datetime.datetime | None:
        """When it was archived; None for an active one."""
        return self._record.archived_at

    @property
    def portal_url(self) -> str:
        """Path of the experiment's page on the Airflow web server."""
        return f"/airflow-ml/workspaces/{self._workspace.name}/experiments/{self._name}"

    def get_portal_url(self) -> str:
        """Return `portal_url`."""
        return self.portal_url

    @classmethod
    def get_docs_url(cls) -> str:
        """Return where Microsoft describes v1's class of this name."""
        return _notebook_tables.docs_url(cls.__name__)

    def refresh(self) -> None:
        """Record the experiment if it was not; there is nothing to refresh, because every look is a fresh one."""
        self._experiments.get_or_create(self._name)

    def archive(self) -> None:
        """Leave the experiment out of lists and let it take no new runs; the runs that it has stay."""
        self._experiments.archive(self._record.name)

    def reactivate(self, new_name: str | None = None) -> None:
        """
        Undo `archive`.

        Raises:
            UserErrorException: a new name is given; experiments cannot be renamed (v1).
        """
        if new_name is not None:
            raise UserErrorException(
                f"experiment {self._name!r}: new_name {new_name!r}, but experiments cannot be renamed; leave it out"
            )
        self._experiments.reactivate(self._record.name)

    @property
    def tags(self) -> dict[str, str]:
        """The experiment's tags; a copy."""
        return dict(self._record.tags)

    def tag(self, key: str, value: str | None = None) -> None:
        """Set a tag; one without a value is an empty text."""
        self.set_tags({key: value})

    def set_tags(self, tags: Mapping[str, str | None]) -> None:
        """Set tags; others stay."""
        texts = {str(key): "" if value is None else str(value) for key, value in tags.items()}
        self._experiments.set_tags(self._record.name, texts)

    def remove_tags(self, tags: Sequence[str] | str) -> None:
        """Remove tags by name; those that are not there are passed over."""
        self._experiments.remove_tags(self._record.name, [tags] if isinstance(tags, str) else tags)

    def submit(self, config: Submittable[Run_co], tags: Mapping[str, str] | None = None, **kwargs: Any) -> Run_co:
        """
        Start a run of a pipeline or a script, and return at once.

        Args:
            config: a Pipeline, a PublishedPipeline, a PipelineEndpoint, a PipelineDraft, or a ScriptRunConfig.
            tags: of the run.
            kwargs: for a pipeline: `pipeline_parameters`, `continue_on_step_failure`, `regenerate_outputs`, `reuse`
                (see `Pipeline.submit`); for a script: `run_id`.

        Returns:
            A PipelineRun or a ScriptRun.

        Raises:
            NotSupportedError: a configuration of v1 that does not exist here.
            UserErrorException: another kind of object; or what the configuration names is not there, or a parameter
                is unknown or of a wrong type.
        """
        check_submittable(config, where=f"experiment {self._name!r}")
        return config._submit_to(self, tags=tags, **kwargs)

    def start_logging(self, *args: Any, **kwargs: Any) -> Run:
        """
        Start a run that this process drives, as in a notebook; end it by `complete`, `fail` or a `with` block.

        Args:
            args, kwargs: v1's, in this order: `name`, `run_id`, `outputs` (a folder whose files become the run's when
                it ends; None and True mean `outputs`, False none), `snapshot_directory` (code to keep with the run; the
                current folder unless given, None for none); by name only: `display_name`, `description`, `tags`,
                `properties`.

        Raises:
            SnapshotException: the folder cannot be captured; pass `snapshot_directory=None`.
            UserErrorException: the experiment is archived, or the run id is taken.
        """
        return _interactive.start_run(self, *args, **kwargs)

    def get_runs(
        self,
        type: str | None = None,
        tags: Labels = None,
        properties: Labels = None,
        include_children: bool = False,
    ) -> Iterator[Run]:
        """Return the experiment's runs, newest first, read page by page as they are asked for; see `Run.list`."""
        return runs.Run.list(self, type=type, tags=tags, properties=properties, include_children=include_children)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Experiment) and (self._workspace, self._name) == (other._workspace, other._name)

    def __hash__(self) -> int:
        return hash((self._workspace, self._name))

    def __repr__(self) -> str:
        return f"Experiment(Name: {self._name},\nWorkspace: {self._workspace.name})"

    def _repr_html_(self) -> str:
        values = {"Name": self._name, "Workspace": self._workspace.name}
        return _notebook_tables.row_of(values, {"Report Page": self.get_portal_url(), "Docs Page": self.get_docs_url()})


def _is_name(name: object) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= _LONGEST_NAME
        and (name[0].isalnum() or name[0] == "_")
        and all(character.isalnum() or character in "_-. " for character in name)
    )
