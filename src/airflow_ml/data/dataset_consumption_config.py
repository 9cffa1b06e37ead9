"""A dataset as a named input of a step (`azureml.data.dataset_consumption_config`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph.names import is_variable_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import NoReturn, Protocol, TypeAlias

    # Both make consumption configs themselves, so they are known here by name only.
    from airflow_ml.data.abstract_dataset import AbstractDataset
    from airflow_ml.data.output_dataset_config import OutputDatasetConfig
else:
    from airflow_ml._typing import Protocol

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


class DatasetConsumptionConfig:
    """
    A dataset, the name of the step's input and the way the script gets it.

    Immutable apart from `name`: `as_mount` and `as_download` return copies, which still mean the same input. As text
    it is `$<name>`, which a step expands inside its arguments.

    Args:
        name: letters, digits and underscores, no digit first; also the script's environment variable.
        dataset: a dataset, an output of another step, or a PipelineParameter whose default is a dataset.
        mode: `direct` (the script gets the dataset's id), `mount` or `download` (it gets a path).
        path_on_compute: where the files lie in the step: absolute, or relative to the script's folder.

    Attributes:
        has_default_name: the name is random because nobody gave one; a pipeline puts a stable one in its place.

    Raises:
        UserErrorException: another name or mode, or a table that is to be mounted or downloaded.
        NotSupportedError: mode `hdfs` or `link`.
    """

    def __init__(
        self,
        name: str,
        dataset: Consumable,
        mode: str = "direct",
        path_on_compute: str | None = None,
    ) -> None:
        self._name = _checked_name(name)
        _check_mode(mode, name=name)
        if mode in ("mount", "download") and _is_table(dataset):
            raise UserErrorException(
                f"input {name!r}: a table cannot be delivered as {mode}; use it as it is (mode 'direct') and read it "
                "with run.input_datasets[...].to_pandas_dataframe(), or define the files with Dataset.File"
            )
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


def _check_mode(mode: str, *, name: str) -> None:
    if mode not in _MODES:
        raise UserErrorException(f"input {name!r}: mode {mode!r} is not one of mount, download, direct")
    if mode in ("hdfs", "link"):
        raise NotSupportedError(f"input {name!r}: mode {mode!r} is not supported; use 'mount' or 'download'")


def _is_table(dataset: object) -> bool:
    return getattr(getattr(dataset, "default_value", dataset), "kind", None) == "tabular"
