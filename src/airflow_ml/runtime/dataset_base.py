"""What files and tables have in common inside a step: names, versions, tags, and the steps on top of the data."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.exceptions import UserErrorException
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Dict, List, TypeVar

    from airflow_ml.runtime import amounts, datasets, expressions, frames
    from airflow_ml.runtime.expressions import Expression
    from airflow_ml.runtime.file_datasets import FileDataset
    from airflow_ml.runtime.messages import DatasetRecord, Definition, StagedDataset
    from airflow_ml.runtime.tabular_datasets import TabularDataset
    from airflow_ml.runtime.workspace import Workspace

    Self = TypeVar("Self", bound="AbstractDataset")
else:
    amounts = late("airflow_ml.runtime.amounts")
    datasets = late("airflow_ml.runtime.datasets")
    expressions = late("airflow_ml.runtime.expressions")
    frames = late("airflow_ml.runtime.frames")

__all__ = ["AbstractDataset"]


class AbstractDataset(WorkspaceSide):
    """
    A definition of data; it never changes, methods give new ones.

    Attributes:
        id: None until it is saved, that is, registered or used by a pipeline.
        name: None until it is registered; `version` likewise.
    """

    _elsewhere: tuple[str, ...] = (
        "as_cache",
        "as_download",
        "as_hdfs",
        "as_named_input",
        "data_changed_time",
        "hydrate",
    )

    def __init__(self, record: DatasetRecord) -> None:
        self.id = record["id"]
        self.name = record["name"]
        self.version = record["version"]
        self.description = record.get("description")
        self.tags = dict(record.get("tags") or {})
        self.definition = record["definition"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, version={self.version!r}, id={self.id!r})"

    @staticmethod
    def get_by_id(
        workspace: Workspace,
        id: str,  # noqa: A002 - v1's name
        **kwargs: Any,
    ) -> FileDataset | TabularDataset:
        """Return a saved dataset; raises DatasetNotFoundError. A direct input's argument is such an id."""
        return datasets.from_record(contexts.required("Dataset.get_by_id").request("dataset.get", id=id))

    @staticmethod
    def get_by_name(
        workspace: Workspace, name: str, version: int | str = "latest", **kwargs: Any
    ) -> FileDataset | TabularDataset:
        """Return a registered dataset; raises DatasetNotFoundError."""
        context = contexts.required("Dataset.get_by_name")
        wanted = None if version in ("latest", None) else int(version)
        return datasets.from_record(context.request("dataset.get", name=name, version=wanted))

    @staticmethod
    def get_all(workspace: Workspace) -> dict[str, FileDataset | TabularDataset]:
        """Return the newest version of each registered dataset by name."""
        records: list[DatasetRecord] = contexts.required("Dataset.get_all").request("dataset.list")
        return {record["name"]: datasets.from_record(record) for record in records if record["name"]}

    @property
    def partition_keys(self) -> list[str]:
        """The columns that the partition format takes out of paths, in its order."""
        return frames.partition_keys(self.definition)

    def get_partition_key_values(self, partition_keys: List[str] | None = None) -> list[Dict[str, Any]]:
        """
        Return the distinct combinations of values that the files' paths hold.

        Args:
            partition_keys: some of the dataset's; without it all of them.

        Raises:
            UserErrorException: the dataset has no partition keys, or not these.
        """
        frames.key_values(self.definition, (), partition_keys)
        return frames.key_values(self.definition, self._stage()["files"], partition_keys)

    def __getitem__(self, key: str) -> Expression:
        """Return the value of a column, to make a condition for `filter`."""
        return expressions.column(key, where=type(self).__name__)

    def filter(self: Self, expression: Expression) -> Self:
        """
        Return the rows or files that fit a condition, such as `(dataset["x"] > 3) & (dataset["y"] == "a")`.

        Raises:
            UserErrorException: something else than an expression.
        """
        wanted = expressions.condition(expression, where=f"{type(self).__name__}.filter")
        return self._with_step({"op": "filter", "expression": wanted.node})

    def register(
        self: Self,
        workspace: Workspace,
        name: str,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
        create_new_version: bool = False,
    ) -> Self:
        """
        Register the definition under a name and return it with name and version.

        Raises:
            UserErrorException: the name is taken, and create_new_version is false.
        """
        context = contexts.required("Dataset.register")
        record: DatasetRecord = context.request(
            "dataset.register",
            name=name,
            definition=self.definition,
            description=description,
            tags=dict(tags or {}),
            create_new_version=create_new_version,
        )
        return type(self)(record)

    def add_tags(self: Self, tags: Mapping[str, str] | None = None) -> Self:
        """Add tags to the registered version; raises UserErrorException for one that has another value already."""
        given = dict(tags or {})
        taken = sorted(key for key, value in given.items() if self.tags.get(key, value) != value)
        if taken:
            raise UserErrorException(f"{self!r}: tags {taken!r} have other values already; remove them first")
        return self.update(tags={**self.tags, **given})

    def remove_tags(self: Self, tags: Sequence[str] | None = None) -> Self:
        """Remove the tags of these keys from the registered version."""
        return self.update(tags={key: value for key, value in self.tags.items() if key not in (tags or ())})

    def update(self: Self, description: str | None = None, tags: Mapping[str, str] | None = None) -> Self:
        """
        Change description and tags of the registered version; what is None stays.

        Raises:
            UserErrorException: the dataset is not registered.
        """
        if self.name is None:
            raise UserErrorException(f"{self!r}: is not registered; call register(workspace, name) first")
        context = contexts.required("Dataset.update")
        record: DatasetRecord = context.request(
            "dataset.update",
            name=self.name,
            version=self.version,
            description=description,
            tags=None if tags is None else dict(tags),
        )
        return type(self)(record)

    def unregister_all_versions(self) -> None:
        """Forget the name with all its versions; nothing happens if the dataset is not registered."""
        if self.name is not None:
            contexts.required("Dataset.unregister_all_versions").request("dataset.unregister", name=self.name)

    def take(self: Self, count: int) -> Self:
        """Return a dataset of the first files or rows; raises GraphError (v1: ValueError) for a count below 0."""
        return self._with_step({"op": "take", "count": amounts.checked_count(count, where="take")})

    def skip(self: Self, count: int) -> Self:
        """Return a dataset without the first files or rows; raises as `take`."""
        return self._with_step({"op": "skip", "count": amounts.checked_count(count, where="skip")})

    def take_sample(self: Self, probability: float, seed: int | None = None) -> Self:
        """Return a dataset of each file or row with the probability; always the same ones, seed or not."""
        share = amounts.checked_share(probability, what="probability", where="take_sample")
        return self._with_step({"op": "sample", "probability": share, "seed": _seed(seed)})

    def random_split(self: Self, percentage: float, seed: int | None = None) -> tuple[Self, Self]:
        """
        Return two datasets that share the files or rows out.

        Args:
            percentage: the first one's approximate share, between 0 and 1.
            seed: the same gives the same two parts; without one they are random, but always fit together.
        """
        share = amounts.checked_share(percentage, what="percentage", where="random_split")
        step = {"op": "split", "percentage": share, "seed": _seed(seed)}
        return self._with_step({**step, "part": 0}), self._with_step({**step, "part": 1})

    def _with_step(self: Self, step: Mapping[str, Any]) -> Self:
        return self._derived({**self.definition, "steps": [*(self.definition.get("steps") or []), dict(step)]})

    @classmethod
    def _derived(cls: type[Self], definition: Definition) -> Self:
        """Return a dataset that is neither registered nor saved."""
        return cls({"id": None, "name": None, "version": None, "definition": definition})

    def _stage(self) -> StagedDataset:
        context = contexts.required("reading a dataset")
        params: dict[str, Any] = {"id": self.id} if self.id is not None else {"definition": self.definition}
        staged: StagedDataset = context.request("dataset.stage", **params)
        return staged


def _seed(seed: int | None) -> int:
    # Chosen once, because both parts of a split, and every reading of them, must fit together.
    return int.from_bytes(os.urandom(4), "big") if seed is None else int(seed)
