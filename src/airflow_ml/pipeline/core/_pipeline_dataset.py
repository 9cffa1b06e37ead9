"""A dataset with the way a step gets it, in v1's older form (`azureml.pipeline.core.PipelineDataset`)."""

from __future__ import annotations

from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import GraphError
from airflow_ml.graph.names import with_words_only
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter
from airflow_ml.pipeline.core.port_bindings import InputPortBinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airflow_ml.data._workspace import WorkspaceLike

__all__ = ["PipelineDataset"]


class PipelineDataset:
    """
    A dataset, an input's name and a mode; the same as a DatasetConsumptionConfig, which v1 code uses instead.

    Args:
        name: default: the dataset's registered name.
        parameter_name: runs may replace the dataset under this name, as with a PipelineParameter.

    Raises:
        ValueError: no name, and the dataset has none either.
    """

    def __init__(
        self,
        dataset: AbstractDataset | None = None,
        name: str | None = None,
        bind_mode: str = "mount",
        path_on_compute: str | None = None,
        overwrite: bool = False,
        parameter_name: str | None = None,
    ) -> None:
        self._dataset = dataset
        self._name = PipelineDataset.default_name(dataset) if name is None and dataset is not None else name
        self._bind_mode = bind_mode
        self._path_on_compute = path_on_compute
        self._overwrite = overwrite
        self._parameter_name = parameter_name

    @property
    def dataset(self) -> AbstractDataset | None:
        """The dataset."""
        return self._dataset

    @property
    def dataset_id(self) -> str | None:
        """The dataset's id, None before it was saved."""
        return self._bound().id

    @property
    def saved_dataset_id(self) -> str | None:
        """The same as `dataset_id`; None without a dataset."""
        return None if self._dataset is None else self._dataset.id

    @property
    def dataset_version(self) -> int | None:
        """The registered version, None for a dataset that is not registered."""
        return self._bound().version

    @property
    def name(self) -> str | None:
        """The input's name."""
        return self._name

    @property
    def workspace(self) -> WorkspaceLike | None:
        """The workspace of the dataset."""
        return self._bound().workspace

    @property
    def bind_mode(self) -> str:
        """How the script gets the data."""
        return self._bind_mode

    @property
    def path_on_compute(self) -> str | None:
        """Where the data lies in the step, if it was said."""
        return self._path_on_compute

    @property
    def overwrite(self) -> bool:
        """Whether a download may replace what is there."""
        return self._overwrite

    @property
    def parameter_name(self) -> str | None:
        """The name of the pipeline parameter that replaces the dataset, if there is one."""
        return self._parameter_name

    @staticmethod
    def create(dataset: object, name: str | None = None, parameter_name: str | None = None) -> PipelineDataset:
        """
        Return a dataset, a consumption configuration or a PipelineDataset in this form.

        Raises:
            ValueError: an object of another type.
        """
        if isinstance(dataset, PipelineDataset):
            return PipelineDataset(
                dataset.dataset,
                name or dataset.name,
                dataset.bind_mode,
                dataset.path_on_compute,
                dataset.overwrite,
                parameter_name or dataset.parameter_name,
            )
        if isinstance(dataset, DatasetConsumptionConfig):
            inner: object = dataset.dataset
            if isinstance(inner, PipelineParameter):
                parameter_name, inner = parameter_name or inner.name, inner.default_value
            if isinstance(inner, AbstractDataset):
                return PipelineDataset(
                    inner,
                    name or dataset.name,
                    dataset.mode,
                    dataset.path_on_compute,
                    parameter_name=parameter_name,
                )
        if isinstance(dataset, AbstractDataset):
            return PipelineDataset(dataset, name, parameter_name=parameter_name)
        raise GraphError(f"PipelineDataset: {dataset!r} (a {type(dataset).__name__}) is no dataset; give a dataset")

    @staticmethod
    def default_name(dataset: object) -> str:
        """
        Return the name of an input that nobody named: the dataset's registered name.

        Raises:
            ValueError: no dataset, or one that is not registered.
        """
        if isinstance(dataset, DatasetConsumptionConfig):
            return dataset.name
        if not isinstance(dataset, AbstractDataset):
            raise GraphError(f"PipelineDataset: {dataset!r} (a {type(dataset).__name__}) is no dataset")
        if not dataset.name:
            raise GraphError("PipelineDataset: the dataset is not registered and so has no name; give name=")
        return with_words_only(dataset.name)

    @staticmethod
    def is_dataset(dset: object) -> bool:
        """Tell whether an object is a dataset, or a dataset as an input."""
        return isinstance(dset, (AbstractDataset, DatasetConsumptionConfig))

    @staticmethod
    def validate_dataset(dset: object) -> None:
        """Do nothing, as in v1 for the datasets of today: only those of its first version could be archived."""

    def create_input_binding(self) -> InputPortBinding:
        """
        Return the input that a step makes of it.

        Raises:
            UserErrorException: a table that is to be mounted or downloaded.
        """
        dataset: AbstractDataset | PipelineParameter = self._bound()
        if self._parameter_name is not None:
            dataset = PipelineParameter(self._parameter_name, dataset)
        name = self._name or ""
        config = DatasetConsumptionConfig(name, dataset, self._bind_mode, self._path_on_compute)
        return InputPortBinding(name, config, self._bind_mode, self._path_on_compute, self._overwrite)

    def _bound(self) -> AbstractDataset:
        if self._dataset is None:
            raise GraphError(f"PipelineDataset {self._name!r} has no dataset; give dataset=")
        return self._dataset

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self._name}"

    def __repr__(self) -> str:
        return f"<PipelineDataset {self._name!r}>"
