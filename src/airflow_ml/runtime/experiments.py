"""`Experiment` inside a step: a name for runs that belong together, and its runs by way of the operator."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from airflow_ml.runtime import run
    from airflow_ml.runtime.messages import ExperimentRecord
    from airflow_ml.runtime.workspace import Workspace
else:
    run = late("airflow_ml.runtime.run")

__all__ = ["Experiment"]


class Experiment(WorkspaceSide):
    """
    A name for runs that belong together.

    Args:
        _skip_name_validation: not used, as are the other arguments with an underscore.
    """

    _elsewhere = (
        "archive",
        "delete",
        "from_directory",
        "get_docs_url",
        "get_portal_url",
        "portal_url",
        "reactivate",
        "remove_tags",
        "set_tags",
        "start_logging",
        "submit",
        "tag",
    )

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        _skip_name_validation: bool = False,
        _id: str | None = None,
        _archived_time: Any = None,
        _create_in_cloud: bool = True,
        _experiment_dto: Any = None,
        **kwargs: Any,
    ) -> None:
        self.workspace = workspace
        self.workspace_object = workspace
        self.name = name

    def __repr__(self) -> str:
        return f"Experiment(Name: {self.name}, Workspace: {self.workspace.name})"

    @property
    def id(self) -> str | None:
        """The experiment's id."""
        own = contexts.required("Experiment.id").data["run"]
        return own["experiment_id"] if own["experiment"] == self.name else self._record()["id"]

    @property
    def identity(self) -> str:
        """The same as `name`."""
        return self.name

    @property
    def tags(self) -> dict[str, str]:
        """The experiment's tags."""
        return dict(self._record()["tags"])

    @property
    def archived_time(self) -> str | None:
        """When it was archived, as ISO 8601 text; None if it is not."""
        return self._record()["archived_at"]

    def refresh(self) -> None:
        """Do nothing: the record is asked for whenever it is read."""

    def get_runs(
        self,
        type: str | None = None,  # noqa: A002 - v1's name
        tags: str | Mapping[str, str] | None = None,
        properties: str | Mapping[str, str] | None = None,
        include_children: bool = False,
    ) -> Iterator[run.Run]:
        """Yield the experiment's runs, newest first, that have all of the tags and properties and the type."""
        return run.Run.list(self, type, tags, properties, include_children=include_children)

    @staticmethod
    def list(
        workspace: Workspace,
        experiment_name: str | None = None,
        view_type: str = "ActiveOnly",
        tags: Any = None,
    ) -> list[Experiment]:
        """
        Return the workspace's experiments.

        Args:
            view_type: `ActiveOnly`, `ArchivedOnly` or `All`.
            tags: keys, or a dict of keys and values, that they must have.
        """
        records: list[ExperimentRecord] = contexts.required("Experiment.list").request("experiment.list")
        shown = {"ActiveOnly": (False,), "ArchivedOnly": (True,)}.get(str(view_type), (False, True))
        wanted = tags.items() if hasattr(tags, "items") else [(key, None) for key in tags or ()]
        return [
            Experiment(workspace, record["name"])
            for record in records
            if experiment_name in (None, record["name"])
            and (record["archived_at"] is not None) in shown
            and all(key in record["tags"] and value in (None, record["tags"][key]) for key, value in wanted)
        ]

    def _record(self) -> ExperimentRecord:
        record: ExperimentRecord = contexts.required("Experiment").request("experiment.get", name=self.name)
        return record
