"""What `Experiment.submit` and `Run.submit_child` take, and what they say about everything else."""

from __future__ import annotations

from airflow_ml.exceptions import NotSupportedError, UserErrorException

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol, TypeVar

    from airflow_ml.core.experiment import Experiment

    Run_co = TypeVar("Run_co", covariant=True)

    class Submittable(Protocol[Run_co]):
        """Anything that can be submitted: it starts itself, and says what kind of run it starts."""

        def _submit_to(self, experiment: Experiment, *, tags: Mapping[str, str] | None, **kwargs: Any) -> Run_co:
            """Start a run in the experiment and return it."""


__all__ = ["check_submittable"]

_PIPELINE_OF_IT = "submit Pipeline(workspace, steps=...) of it"

#: v1's other configurations, by the name of their class, and what to do instead.
_LATER = {
    "AutoMLConfig": "submit a ScriptRunConfig whose script tries the models",
    "Estimator": "submit a ScriptRunConfig",
    "HyperDriveConfig": "submit a ScriptRunConfig for each set of values",
}
#: What a pipeline is made of.
_PARTS = {"PipelineStep": _PIPELINE_OF_IT, "list": _PIPELINE_OF_IT}

#: What has runs of pipelines, by the name of its class.
_PIPELINES = {"Pipeline", "PipelineDraft", "PipelineEndpoint", "PublishedPipeline", "StepSequence"}


def check_submittable(config: object, *, where: str, is_child: bool = False) -> None:
    """
    Refuse a configuration that cannot be submitted.

    Args:
        where: to what it was given, for the error.
        is_child: to be submitted below a run.

    Raises:
        NotSupportedError: a configuration of v1 that does not exist here.
        UserErrorException: any other object.
    """
    names = [cls.__name__ for cls in type(config).__mro__]
    for name in names:
        if name in _LATER:
            raise NotSupportedError(f"{where}: submitting a {names[0]} is not available; {_LATER[name]}")
    if is_child and not _PIPELINES.isdisjoint(names):
        raise NotSupportedError(f"{where}: a pipeline's run is not below another; submit it with Experiment.submit")
    if hasattr(config, "_submit_to"):
        return
    advice = next((_PARTS[name] for name in names if name in _PARTS), "submit a Pipeline or a ScriptRunConfig")
    raise UserErrorException(f"{where}: a {names[0]} cannot be submitted; {advice}")
