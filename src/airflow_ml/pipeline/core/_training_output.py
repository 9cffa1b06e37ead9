"""What of a search's or AutoML's run an output holds (`azureml.pipeline.core.TrainingOutput`)."""

from __future__ import annotations

from airflow_ml.exceptions import GraphError

__all__ = ["TrainingOutput"]

_TYPES = ("Metrics", "Model")


class TrainingOutput:
    """
    Selects the metrics or the best model of a search as the content of a PipelineData.

    It can be made, so that v1 code reads; a step that is given it raises, because the steps that fill it
    (HyperDrive, AutoML) are not there.

    Args:
        type: `Metrics` or `Model`.
        iteration: for `Model`, the one of this iteration.
        metric: for `Model`, the best one by this metric.
        model_file: for `Model`, this file of the run's outputs.

    Raises:
        ValueError: another type, or a selection that the type does not have.
    """

    def __init__(
        self,
        type: str,
        iteration: int | None = None,
        metric: str | None = None,
        model_file: str | None = None,
    ) -> None:
        if type not in _TYPES:
            raise GraphError(f"training output: type {type!r} is neither 'Metrics' nor 'Model'")
        if type == "Metrics" and (iteration is not None or metric is not None):
            raise GraphError("training output: 'Metrics' are those of the whole search; leave iteration and metric out")
        if iteration is not None and metric is not None:
            raise GraphError("training output: iteration and metric each select a model; give one of them")
        self._type = type
        self._iteration = iteration
        self._metric = metric
        self._model_file = model_file

    @property
    def type(self) -> str:
        """`Metrics` or `Model`."""
        return self._type

    @property
    def iteration(self) -> int | None:
        """The iteration whose model is selected."""
        return self._iteration

    @property
    def metric(self) -> str | None:
        """The metric whose best model is selected."""
        return self._metric

    @property
    def model_file(self) -> str | None:
        """The file of the run's outputs that is selected."""
        return self._model_file
