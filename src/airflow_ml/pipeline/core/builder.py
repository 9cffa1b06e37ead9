"""The parent of all steps, and sequences of steps (`azureml.pipeline.core.builder`)."""

from __future__ import annotations

from airflow_ml._late import late
from airflow_ml.data._caller import base_directory
from airflow_ml.data._output_config import OutputDatasetConfig
from airflow_ml.data._writers import Written
from airflow_ml.exceptions import GraphError, NotSupportedError
from airflow_ml.pipeline.core._given import take_given
from airflow_ml.pipeline.core._scripts import find_script
from airflow_ml.pipeline.core.pipeline_data import PipelineData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from dataclasses import dataclass, field
    from typing import Any, NoReturn, Protocol

    from airflow_ml.core.experiment import Experiment
    from airflow_ml.data.abstract_datastore import AbstractDatastore
    from airflow_ml.graph import Json, SourceSnapshot
    from airflow_ml.pipeline.core import pipeline as _pipeline
    from airflow_ml.pipeline.core._reuse_settings import ReuseSettings
    from airflow_ml.pipeline.core.run import PipelineRun

    class SourceContext(Protocol):
        """What a pipeline tells its steps about files."""

        default_source_directory: str | None
else:
    from airflow_ml._records import dataclass, field

    _pipeline = late("airflow_ml.pipeline.core.pipeline")

__all__ = ["PipelineData", "PipelineStep", "StepDefinition", "StepSequence"]


@dataclass(frozen=True)
class StepDefinition:
    """
    What a kind of step adds to its ports and arguments: the part of `graph.Step` that only the kind knows.

    Attributes:
        script: path inside the source directory; whether it is there is checked by the kind.
        source_directory: absolute path.
        snapshot: in the place of a source directory.
        run_settings: values may be PipelineParameter objects.
        reuse: what was said about reuse besides `allow_reuse`; None for nothing.
    """

    kind: str
    script: str | None = None
    source_directory: str | None = None
    environment: Mapping[str, Json] | None = None
    environment_variables: Mapping[str, str] = field(default_factory=dict)
    compute: str | None = None
    run_settings: Mapping[str, object] = field(default_factory=dict)
    allow_reuse: bool = True
    version: str | None = None
    settings: Mapping[str, Json] = field(default_factory=dict)
    reuse: ReuseSettings | None = None
    snapshot: SourceSnapshot | None = None


class PipelineStep:
    """
    Parent of all steps; users call `run_after` and read `name`.

    The lists that are given are copied, never changed (v1 rewrote them, so that one list given to two steps broke).

    Raises:
        ValueError: an item that can be no input, output or argument, or an empty name.
        TypeError: an argument that cannot be text.
    """

    def __init__(
        self,
        name: str,
        inputs: Sequence[object] | None,
        outputs: Sequence[object] | None,
        arguments: Sequence[object] | None = None,
        fix_port_name_collisions: bool = False,
        resource_inputs: Sequence[object] | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.strip():
            raise GraphError(f"step: name {name!r} is not text with at least one letter; give name=")
        self.name = name
        self._given = take_given(
            inputs=_items(inputs),
            outputs=_items(outputs),
            arguments=_items(arguments),
            resources=_items(resource_inputs),
            where=f"step {name!r}",
        )
        self._params: Mapping[str, object] = {}
        self._fix_port_name_collisions = fix_port_name_collisions
        self._after: tuple[PipelineStep, ...] = ()
        self._compute_of_later: str | None = None
        self._claim_outputs()

    def run_after(self, step: PipelineStep) -> None:
        """
        Start this step only when the other one has completed.

        A pipeline that was already built keeps the order it was built with (v1 behaviour).
        """
        if not isinstance(step, PipelineStep):
            raise GraphError(f"step {self.name!r}: run_after takes a step, not {step!r}")
        if all(step is not earlier for earlier in self._after):
            self._after = (*self._after, step)

    def get_source_directory(self, context: SourceContext, source_directory: str | None, script_name: str) -> str:
        """
        Return the source directory, or the default one, and see that it has the script.

        Raises:
            ValueError: there is no such script.
        """
        folder = source_directory or context.default_source_directory or "."
        return find_script(self.name, base_directory(), folder, script_name).directory

    @staticmethod
    def validate_arguments(
        arguments: Sequence[object] | None, inputs: Sequence[object] | None, outputs: Sequence[object] | None
    ) -> None:
        """
        Check that arguments can be wired with these inputs and outputs.

        Raises:
            ValueError: an item that can be no input, output or argument.
            TypeError: an argument that cannot be text.
        """
        take_given(inputs=_items(inputs), outputs=_items(outputs), arguments=_items(arguments), where="step")

    @staticmethod
    def resolve_input_arguments(
        arguments: Sequence[object], inputs: Sequence[object], outputs: Sequence[object], params: Mapping[str, object]
    ) -> NoReturn:
        """Raise NotSupportedError: arguments are wired for a whole pipeline at once."""
        raise _no_own_kind("resolve_input_arguments")

    def create_input_output_bindings(
        self,
        inputs: Sequence[object],
        outputs: Sequence[object],
        default_datastore: AbstractDatastore | None,
        resource_inputs: Sequence[object] | None = None,
    ) -> NoReturn:
        """Raise NotSupportedError: ports are wired for a whole pipeline at once."""
        raise _no_own_kind("create_input_output_bindings")

    def create_module_def(
        self,
        execution_type: str,
        input_bindings: Sequence[object],
        output_bindings: Sequence[object],
        param_defs: Sequence[object] | None = None,
        create_sequencing_ports: bool = True,
        allow_reuse: bool = True,
        version: str | None = None,
        module_type: str | None = None,
        arguments: Sequence[object] | None = None,
        runconfig: str | None = None,
        cloud_settings: object = None,
    ) -> NoReturn:
        """Raise NotSupportedError: a step is described by the graph, not by a module."""
        raise _no_own_kind("create_module_def")

    def create_node(self, graph: object, default_datastore: AbstractDatastore | None, context: object) -> NoReturn:
        """Raise NotSupportedError: the graph is plain data that `Pipeline` writes."""
        raise _no_own_kind("create_node")

    def _define(self, _default_source_directory: str | None, _memo: dict[object, object]) -> StepDefinition:
        """
        Return what this kind of step adds to the graph.

        Args:
            _memo: kept while one pipeline is built, for what its steps share (a run configuration, a folder).
        """
        raise GraphError(f"step {self.name!r}: {type(self).__name__} cannot run; use one of airflow_ml.pipeline.steps")

    def _claim_outputs(self) -> None:
        """Let the data objects know this step, so that a pipeline can add a producer that was not listed."""
        for output in self._given.outputs:
            data = output.data.origin if isinstance(output.data, OutputDatasetConfig) else output.data
            if isinstance(data, Written):
                data._writers.declared = self
        for named in self._given.undecided:
            named._writers.implied.append(self)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}>"


class StepSequence:
    """
    Steps, lists of steps or sequences that run one after the other; the items of an inner list run side by side.

    Args:
        steps: for `[[a, b], c]`, c waits for a and b.

    Raises:
        ValueError: something that holds no steps; `Pipeline` checks what is in it.
    """

    def __init__(self, steps: Iterable[object] | None = None) -> None:
        if steps is not None and not hasattr(steps, "__iter__"):
            raise GraphError(f"StepSequence: {steps!r} is no list; put the steps into brackets")
        self._steps = list(steps or ())

    def __iter__(self) -> Iterator[object]:
        return iter(self._steps)

    def _submit_to(self, experiment: Experiment, **submission: Any) -> PipelineRun:
        """Start a run of a pipeline of these steps, as `Experiment.submit` of v1 does."""
        return _pipeline.Pipeline(experiment.workspace, self)._submit_to(experiment, **submission)


def _no_own_kind(method: str) -> NotSupportedError:
    return NotSupportedError(
        f"PipelineStep.{method} is v1's way to write a kind of step and is not there; subclass PythonScriptStep and"
        " pass it your script and arguments, or write an Airflow operator beside the pipeline's task group"
    )


def _items(given: Sequence[object] | None) -> Sequence[object]:
    """Accept one object where v1 scripts leave out the brackets around it, and None for nothing."""
    if given is None:
        return ()
    return given if isinstance(given, (list, tuple)) else [given]
