"""Named series of runs (`azureml.core.experiment`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from airflow_ml.core.run import Run
from airflow_ml.exceptions import NotSupportedError, UserErrorException

if TYPE_CHECKING:
    from airflow_ml.core.workspace import Workspace

__all__ = ["Experiment"]

_NAME = re.compile(r"[\w][\w .-]{0,254}")


class Submittable(Protocol):
    """Anything that `Experiment.submit` can start: it starts itself."""

    def _submit_to(self, experiment: Experiment, *, tags: Mapping[str, str] | None, **kwargs: Any) -> Run: ...


class Experiment:
    """
    A named series of runs of a workspace.

    Making the object touches nothing; the experiment is recorded with its first run.

    Raises:
        UserErrorException: a name with other characters than letters, digits, `_`, `-`, `.` and blanks.
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
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise UserErrorException(
                f"experiment {name!r}: a name has 1 to 255 letters, digits, '_', '-', '.' or blanks, the first one a"
                " letter, digit or '_'"
            )
        self._workspace = workspace
        self._name = name

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
        """The experiment's id; recorded now if it was not."""
        return self._workspace.registry().experiments.get_or_create(self._name).id

    @property
    def tags(self) -> Mapping[str, str]:
        """The experiment's tags."""
        return self._workspace.registry().experiments.get_or_create(self._name).tags

    def submit(self, config: Submittable, tags: Mapping[str, str] | None = None, **kwargs: Any) -> Any:
        """
        Start a run of a pipeline and return at once.

        Args:
            config: a Pipeline.
            tags: of the run.
            kwargs: for a pipeline: `pipeline_parameters`, `continue_on_step_failure`, `regenerate_outputs`.

        Returns:
            A PipelineRun.

        Raises:
            NotSupportedError: another kind of object.
            UserErrorException: what the pipeline names is not there, or a parameter is unknown or of a wrong type.
        """
        start = getattr(config, "_submit_to", None)
        if start is None:
            raise NotSupportedError(
                f"experiment {self._name!r}: {type(config).__name__} cannot be submitted; build a Pipeline of steps"
            )
        return start(self, tags=tags, **kwargs)

    def get_runs(
        self,
        type: str | None = None,
        tags: Mapping[str, str] | str | None = None,
        properties: Mapping[str, str] | str | None = None,
        include_children: bool = False,
    ) -> Iterator[Run]:
        """Return the experiment's runs, newest first, read page by page as they are asked for."""
        return Run.list(self, type=type, tags=tags, properties=properties, include_children=include_children)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Experiment) and (self._workspace, self._name) == (other._workspace, other._name)

    def __hash__(self) -> int:
        return hash((self._workspace, self._name))

    def __repr__(self) -> str:
        return f"Experiment(Name: {self._name}, Workspace: {self._workspace.name})"
