"""Datasets inside a step: definitions whose files the operator stages when the script asks for them."""

from __future__ import annotations

import os

from airflow_ml.exceptions import DatasetNotFoundError, UserErrorException
from airflow_ml.runtime import context as contexts
from airflow_ml.runtime.dataset_factories import FileDatasetFactory, TabularDatasetFactory
from airflow_ml.runtime.late import Late
from airflow_ml.runtime.mounts import MountContext
from airflow_ml.runtime.unavailable import WorkspaceSide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, TypeVar

    from pandas import DataFrame

    from airflow_ml.runtime import frames
    from airflow_ml.runtime.context import Context
    from airflow_ml.runtime.messages import DatasetRecord, Definition, StagedDataset
    from airflow_ml.runtime.workspace import Workspace

    Self = TypeVar("Self", bound="AbstractDataset")
else:
    frames = Late("airflow_ml.runtime.frames")

__all__ = [
    "AbstractDataset",
    "Dataset",
    "FileDataset",
    "InputDatasets",
    "OutputDatasets",
    "TabularDataset",
    "consumed",
]


class AbstractDataset(WorkspaceSide):
    """
    A definition of data; it never changes, methods give new ones.

    Attributes:
        id: None until it is saved, that is, registered or used by a pipeline.
        name: None until it is registered; `version` likewise.
    """

    _elsewhere: tuple[str, ...] = (
        "add_tags",
        "as_cache",
        "as_download",
        "as_hdfs",
        "as_named_input",
        "filter",
        "get_partition_key_values",
        "remove_tags",
        "unregister_all_versions",
        "update",
    )

    def __init__(self, record: DatasetRecord) -> None:
        self.id = record["id"]
        self.name = record["name"]
        self.version = record["version"]
        self.description = record.get("description")
        self.tags = dict(record.get("tags") or {})
        self._definition = record["definition"]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(name={self.name!r}, version={self.version!r}, id={self.id!r})"

    @staticmethod
    def get_by_id(
        workspace: Workspace,
        id: str,  # noqa: A002 - v1's name
        **kwargs: Any,
    ) -> FileDataset | TabularDataset:
        """Return a saved dataset; raises DatasetNotFoundError. A direct input's argument is such an id."""
        return _dataset(contexts.required("Dataset.get_by_id").request("dataset.get", id=id))

    @staticmethod
    def get_by_name(
        workspace: Workspace, name: str, version: int | str = "latest", **kwargs: Any
    ) -> FileDataset | TabularDataset:
        """Return a registered dataset; raises DatasetNotFoundError."""
        context = contexts.required("Dataset.get_by_name")
        wanted = None if version in ("latest", None) else int(version)
        return _dataset(context.request("dataset.get", name=name, version=wanted))

    @staticmethod
    def get_all(workspace: Workspace) -> dict[str, FileDataset | TabularDataset]:
        """Return the newest version of each registered dataset by name."""
        records: list[DatasetRecord] = contexts.required("Dataset.get_all").request("dataset.list")
        return {record["name"]: _dataset(record) for record in records if record["name"]}

    @property
    def partition_keys(self) -> list[str]:
        """The columns that the partition format takes out of paths, in its order."""
        return frames.partition_keys(self._definition)

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
            definition=self._definition,
            description=description,
            tags=dict(tags or {}),
            create_new_version=create_new_version,
        )
        return type(self)(record)

    def take(self: Self, count: int) -> Self:
        """Return a dataset of the first files or rows; raises UserErrorException unless count is positive."""
        return self._with(op="take", count=_positive("take", count))

    def skip(self: Self, count: int) -> Self:
        """Return a dataset without the first files or rows; raises UserErrorException unless count is positive."""
        return self._with(op="skip", count=_positive("skip", count))

    def take_sample(self: Self, probability: float, seed: int | None = None) -> Self:
        """Return a dataset of each file or row with the probability; always the same ones, seed or not."""
        return self._with(op="sample", probability=_share("take_sample", probability), seed=_seed(seed))

    def random_split(self: Self, percentage: float, seed: int | None = None) -> tuple[Self, Self]:
        """
        Return two datasets that share the files or rows out.

        Args:
            percentage: the first one's approximate share, between 0 and 1.
            seed: the same gives the same two parts; without one they are random, but always fit together.
        """
        step = {"op": "split", "percentage": _share("random_split", percentage), "seed": _seed(seed)}
        return self._with(**step, part=0), self._with(**step, part=1)

    def _with(self: Self, **step: Any) -> Self:
        definition = {**self._definition, "steps": [*(self._definition.get("steps") or []), step]}
        return type(self)({"id": None, "name": None, "version": None, "definition": definition})

    def _stage(self) -> StagedDataset:
        context = contexts.required("reading a dataset")
        params: dict[str, Any] = {"id": self.id} if self.id is not None else {"definition": self._definition}
        staged: StagedDataset = context.request("dataset.stage", **params)
        return staged


class FileDataset(AbstractDataset):
    """Files on datastores or the web."""

    def to_path(self) -> list[str]:
        """Return the files' paths relative to the dataset's root, each with a leading `/`."""
        return ["/" + path for path in self._stage()["files"]]

    def download(
        self, target_path: str | None = None, overwrite: bool = False, ignore_not_found: bool = False
    ) -> list[str]:
        """
        Copy the files and return their local paths.

        Args:
            target_path: a folder of the run directory otherwise.
            overwrite: write over files that are there.
            ignore_not_found: give no error for a dataset without files.

        Raises:
            UserErrorException: a target exists, and overwrite is false.
            DatasetNotFoundError: the dataset has no files.
        """
        import shutil  # costs 5 ms, and only downloads need it

        staged = self._stage()
        if not staged["files"] and not ignore_not_found:
            raise DatasetNotFoundError(f"{self!r}: has no files; expected at least one, or ignore_not_found=True")
        requests = contexts.required("download").directory.requests
        folder = os.path.abspath(target_path or os.path.join(requests, os.urandom(12).hex()))
        targets = [os.path.join(folder, path) for path in staged["files"]]
        taken = [path for path in targets if os.path.lexists(path)]
        if taken and not overwrite:
            raise UserErrorException(f"{self!r}: {taken[0]!r} exists; give overwrite=True or another target_path")
        for path, target in zip(staged["files"], targets):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(os.path.join(staged["root"], path), target)
        return targets

    def mount(self, mount_point: str | None = None, **kwargs: Any) -> MountContext:
        """
        Return a context manager with `mount_point`, in which the files lie read-only while it is entered.

        Args:
            mount_point: made as a link to the staged files; a place in the run directory otherwise.
        """
        return MountContext(lambda: self._stage()["root"], mount_point)

    def as_mount(self, path_on_compute: str | None = None) -> MountContext:
        """The same as `mount`: there is no step left to be given an input."""
        return self.mount(path_on_compute)


class TabularDataset(AbstractDataset):
    """A table over files."""

    _elsewhere: tuple[str, ...] = (
        *AbstractDataset._elsewhere,
        "as_mount",
        "get_profile",
        "partition_by",
        "submit_profile_run",
        "time_after",
        "time_before",
        "time_between",
        "time_recent",
        "to_csv_files",
        "to_dask_dataframe",
        "to_parquet_files",
        "to_spark_dataframe",
        "with_timestamp_columns",
    )

    def to_pandas_dataframe(self, on_error: str = "null", out_of_range_datetime: str = "null") -> DataFrame:
        """
        Read the whole table.

        Args:
            on_error: `null` makes values that are not of their column's type null, `fail` raises for them.
            out_of_range_datetime: the same for times that pandas cannot hold.

        Raises:
            UserErrorException: a file is not as the definition says.
            RunEnvironmentException: pandas, or pyarrow for parquet, is not in the step's environment.
        """
        staged = self._stage()
        files = [(os.path.join(staged["root"], path), path) for path in staged["files"]]
        strict = "fail" in (on_error, out_of_range_datetime)
        return frames.read_frame(staged["definition"], files, strict=strict)

    def keep_columns(self, columns: str | Sequence[str], validate: bool = False) -> TabularDataset:
        """Return a dataset of these columns; a column that is not there is an error when the table is read."""
        return self._with(op="keep_columns", columns=[columns] if isinstance(columns, str) else list(columns))

    def drop_columns(self, columns: str | Sequence[str]) -> TabularDataset:
        """Return a dataset without these columns; a column that is not there is an error when the table is read."""
        return self._with(op="drop_columns", columns=[columns] if isinstance(columns, str) else list(columns))


class Dataset:
    """Where v1's scripts look datasets up; the objects are FileDataset and TabularDataset."""

    File = FileDatasetFactory
    Tabular = TabularDatasetFactory
    get_all = staticmethod(AbstractDataset.get_all)
    get_by_id = staticmethod(AbstractDataset.get_by_id)
    get_by_name = staticmethod(AbstractDataset.get_by_name)


class _Named(dict):  # type: ignore[type-arg]  # dict[...] cannot be subclassed on Python 3.8
    _what = ""

    def __missing__(self, name: object) -> Any:
        raise KeyError(f"{self._what} {name!r}: this step has {sorted(self)}")


class InputDatasets(_Named):
    """The step's inputs by name: a dataset for a direct one, else the path as text."""

    _what = "input"

    def __init__(self, context: Context) -> None:
        for name, data in context.data["inputs"].items():
            record = data["dataset"] if data["mode"] == "direct" else None
            self[name] = data.get("path") if record is None else _dataset(record)


class OutputDatasets(_Named):
    """The paths of the step's declared outputs by name."""

    _what = "output"

    def __init__(self, context: Context) -> None:
        super().__init__({name: declared["path"] for name, declared in context.data["outputs"].items()})


def consumed(context: Context) -> list[dict[str, Any]]:
    """Return the inputs that are datasets, in the form of v1's `get_details()["inputDatasets"]`."""
    details = []
    for name, data in context.data["inputs"].items():
        if data["dataset"] is not None:
            how = {"type": "RunInput", "inputName": name, "mechanism": data["mode"].capitalize()}
            how["pathOnCompute"] = data.get("path") or ""
            details.append({"dataset": _dataset(data["dataset"]), "consumptionDetails": how})
    return details


def _dataset(record: DatasetRecord) -> FileDataset | TabularDataset:
    definition: Definition = record["definition"]
    return TabularDataset(record) if definition["kind"] == "tabular" else FileDataset(record)


def _positive(call: str, count: int) -> int:
    if not isinstance(count, int) or count < 1:
        raise UserErrorException(f"{call}: count is {count!r}, expected a whole number from 1")
    return count


def _share(call: str, share: float) -> float:
    if not 0 <= share <= 1:
        raise UserErrorException(f"{call}: got {share!r}, expected a share between 0 and 1")
    return float(share)


def _seed(seed: int | None) -> int:
    # Chosen once, because both parts of a split, and every reading of them, must fit together.
    return int.from_bytes(os.urandom(4), "big") if seed is None else int(seed)
