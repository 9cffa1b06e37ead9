"""A dataset as a named input of a step (`azureml.data.dataset_consumption_config`)."""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph.names import is_variable_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import NoReturn, Protocol, TypeAlias

    # Both make consumption configs themselves, so they are known here by name only.
    from airflow_ml.data import _definition, abstract_dataset
    from airflow_ml.data._workspace import WorkspaceLike
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.data.output_dataset_config import OutputDatasetConfig
else:
    from airflow_ml._typing import Protocol

    _definition = late("airflow_ml.data._definition")
    abstract_dataset = late("airflow_ml.data.abstract_dataset")
    logging = late("logging")

__all__ = ["DatasetConsumptionConfig"]

_MODES = ("mount", "download", "direct", "hdfs", "link")
#: The input's name becomes an environment variable of the script, so these would hide what the shell needs.
_RISKY_NAMES = frozenset({"path", "home", "user", "pwd", "shell", "lang", "temp", "tmp", "tmpdir", "display", "term"})


class DatasetParameter(Protocol):
    """A pipeline parameter whose default is a dataset."""

    name: str
    default_value: object


#: What an input can be made of.
Consumable: TypeAlias = "AbstractDataset | OutputDatasetConfig | DatasetParameter"
#: A registered dataset's workspace and name, and its version unless it is the latest.
Registered: TypeAlias = "tuple[WorkspaceLike, str] | tuple[WorkspaceLike, str, int | str]"


class DatasetConsumptionConfig:
    """
    A dataset, the name of the step's input and the way the script gets it.

    Immutable apart from `name`: `as_mount` and `as_download` return copies, which still mean the same input. As text
    it is `$<name>`, which a step expands inside its arguments.

    Args:
        name: letters, digits and underscores, no digit first; also the script's environment variable. Empty or None:
            `input__` and eight characters, which follow from the dataset's definition (v1 takes random ones for a
            dataset without an id), so that a DAG file means the same on every parse.
        dataset: a dataset, an output of another step, a PipelineParameter whose default is a dataset, or a tuple of
            workspace, name and perhaps version of a registered dataset.
        mode: `direct` (the script gets the dataset's id), `mount` or `download` (it gets a path), in any case.
        path_on_compute: where the files lie in the step: absolute, or relative to the script's folder.

    Attributes:
        has_default_name: the name is random because nobody gave one; a pipeline puts a stable one in its place.

    Raises:
        UserErrorException: another name or mode, a parameter whose default is no dataset, or a table that is to be
            mounted or downloaded.
        NotSupportedError: mode `hdfs` or `link`.
    """

    def __init__(
        self,
        name: str | None,
        dataset: Consumable | Registered,
        mode: str = "direct",
        path_on_compute: str | None = None,
    ) -> None:
        mode = _checked_mode(mode, name=name)
        path_on_compute = _checked_path(path_on_compute, name=name)
        if isinstance(dataset, tuple):
            dataset = _registered(dataset, name=name)
        _check_default(dataset, name=name)
        if mode in ("mount", "download") and _is_table(dataset):
            raise UserErrorException(
                f"input {name!r}: a table cannot be delivered as {mode}; use it as it is (mode 'direct') and read it "
                "with run.input_datasets[...].to_pandas_dataframe(), or define the files with Dataset.File"
            )
        self._name = _checked_name(name) if name else _default_name(dataset, mode, path_on_compute)
        self._dataset = dataset
        self._mode = mode
        self._path_on_compute = path_on_compute
        self.has_default_name = False

    @property
    def name(self) -> str:
        """The input's name in the step; can be set."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = _checked_name(name)
        self.has_default_name = False

    @property
    def dataset(self) -> Consumable:
        """What the input is made of."""
        return self._dataset

    @property
    def mode(self) -> str:
        """`mount`, `download` or `direct`."""
        return self._mode

    @property
    def path_on_compute(self) -> str | None:
        """Where the files lie in the step, if it was said."""
        return self._path_on_compute

    def as_mount(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return the same input, read in place through a path."""
        return self._delivered("mount", path_on_compute)

    def as_download(self, path_on_compute: str | None = None) -> DatasetConsumptionConfig:
        """Return the same input, copied to the step before its script starts."""
        return self._delivered("download", path_on_compute)

    def as_hdfs(self) -> NoReturn:
        """Not supported: there is no Spark here; use `as_mount` or `as_download`."""
        raise NotSupportedError(f"input {self._name!r}: as_hdfs needs Spark; use as_mount() or as_download()")

    def _delivered(self, mode: str, path_on_compute: str | None) -> DatasetConsumptionConfig:
        config = DatasetConsumptionConfig(self._name, self._dataset, mode, path_on_compute)
        config.has_default_name = self.has_default_name
        return config

    def __str__(self) -> str:
        return f"${self._name}"

    def __repr__(self) -> str:
        return f"DatasetConsumptionConfig(name={self._name!r}, dataset={self._dataset!r}, mode={self._mode!r})"


def _checked_name(name: str) -> str:
    if not isinstance(name, str) or not is_variable_name(name):
        raise UserErrorException(
            f"dataset input: name {name!r} must consist of letters, digits and underscores and not begin with a digit"
        )
    if name.lower() in _RISKY_NAMES:
        logging.getLogger(__name__).warning(
            "dataset input %r becomes an environment variable of that name in the step's script", name
        )
    return name


def _default_name(dataset: Consumable, mode: str, path_on_compute: str | None) -> str:
    known = getattr(dataset, "default_value", dataset)
    origin = getattr(known, "origin", None)
    if origin is not None:
        return str(origin.input_name)
    source = getattr(known, "source", None)
    if source is None:
        raise UserErrorException(f"dataset input: {dataset!r} (a {type(dataset).__name__}) is no dataset; give one")
    identity = source.name, source.version, source.definition, mode, path_on_compute
    return f"input__{source.saved_id[:8] if source.saved_id else f'{_definition.checksum(identity):08x}'}"


def _checked_mode(mode: str, *, name: str | None) -> str:
    folded = mode.lower() if isinstance(mode, str) else mode
    if folded not in _MODES:
        raise UserErrorException(f"input {name!r}: mode {mode!r} is not one of mount, download, direct")
    if folded in ("hdfs", "link"):
        raise NotSupportedError(f"input {name!r}: mode {mode!r} is not supported; use 'mount' or 'download'")
    return folded


def _checked_path(path: str | os.PathLike[str] | None, *, name: str | None) -> str | None:
    if path is None or isinstance(path, str):
        return path
    if not isinstance(path, os.PathLike):
        raise UserErrorException(f"input {name!r}: path_on_compute {path!r} is no path; give text such as 'data/raw'")
    return os.fspath(path)


def _registered(place: Registered, *, name: str | None) -> AbstractDataset:
    if len(place) not in (2, 3):
        raise UserErrorException(
            f"input {name!r}: {place!r} is not (workspace, 'name') or (workspace, 'name', version) of a dataset"
        )
    return abstract_dataset.AbstractDataset.get_by_name(*place)


def _check_default(dataset: Consumable, *, name: str | None) -> None:
    missing = object()
    default = getattr(dataset, "default_value", missing)
    if default is not missing and not isinstance(default, abstract_dataset.AbstractDataset):
        raise UserErrorException(
            f"input {name!r}: parameter {dataset.name!r} has the default {default!r}; a dataset input needs one whose "
            "default is a dataset"
        )


def _is_table(dataset: object) -> bool:
    return getattr(getattr(dataset, "default_value", dataset), "kind", None) == "tabular"
