"""
What one step was given, with what stands in the arguments alone sorted to inputs and outputs.

Rules (v1, with the article's snippets that v1 refuses taken in): a dataset configuration or an input binding that
stands only in the arguments is an input, an output configuration an output; a data reference must be listed. A
PipelineData that stands only in the arguments is either, which is decided when the whole pipeline is known.
"""

from __future__ import annotations

from airflow_ml.data._output_config import OutputDatasetConfig
from airflow_ml.data.abstract_dataset import AbstractDataset
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.exceptions import GraphError
from airflow_ml.pipeline.core._output_dataset import PipelineOutputAbstractDataset
from airflow_ml.pipeline.core._output_ports import BoundOutput, bind_output
from airflow_ml.pipeline.core._ports import BoundInput, bind_input, merge_inputs, origin
from airflow_ml.pipeline.core.pipeline_data import PipelineData
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter
from airflow_ml.pipeline.core.port_bindings import InputPortBinding, OutputPortBinding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from dataclasses import dataclass, replace
else:
    from airflow_ml._records import dataclass, replace

__all__ = ["ArgumentTypeError", "Given", "take_given", "text_of"]

#: Arguments that touch neither inputs nor outputs.
_PLAIN = (str, int, float, type(None), PipelineParameter)
_DATA = (PipelineData, OutputDatasetConfig, PipelineOutputAbstractDataset)
_ONLY_INPUTS = (InputPortBinding, DatasetConsumptionConfig, tuple)


class ArgumentTypeError(GraphError, TypeError):
    """An argument of a type that cannot be text; v1 raises TypeError here."""


@dataclass(frozen=True)
class Given:
    """
    One step's inputs, outputs and arguments.

    Attributes:
        arguments: the items as they were given, or their text.
        inputs_of: for arguments that are inputs, by the argument's position, the input's position in `inputs`.
        undecided: PipelineData that stand in the arguments alone.
    """

    inputs: tuple[BoundInput, ...]
    outputs: tuple[BoundOutput, ...]
    arguments: tuple[object, ...]
    inputs_of: Mapping[int, int]
    undecided: tuple[PipelineData, ...]


def text_of(item: object) -> str | None:
    """
    Return the text of a value that is no text, number or None, such as a path, a date or a number of numpy.

    v1 took `str()` of whatever could be a key. None stands for what would give text that nobody meant: containers,
    bytes, objects that say nothing but their address, and objects of this package.
    """
    kind = type(item)
    says_nothing = kind.__str__ is object.__str__ or kind.__module__.partition(".")[0] == __name__.partition(".")[0]
    return None if says_nothing or kind.__hash__ is None or isinstance(item, (bytes, frozenset, tuple)) else str(item)


def take_given(
    *,
    inputs: Sequence[object],
    outputs: Sequence[object],
    arguments: Sequence[object],
    where: str,
    resources: Sequence[object] = (),
) -> Given:
    """
    Sort what a step was given; its lists are not changed.

    Args:
        resources: inputs that land in the script's working directory.

    Raises:
        ValueError: an item that can be no input, output or argument.
        TypeError: an argument that cannot be text.
    """
    taking = _Taking(where)
    for item in outputs:
        taking.add_output(item)
    for item in inputs:
        taking.add_input(bind_input(item, where=where))
    for item in resources:
        taking.add_input(replace(bind_input(item, where=where), is_resource=True))
    taking.listed = len(taking.inputs)
    others = [(position, item) for position, item in enumerate(arguments) if not isinstance(item, _PLAIN)]
    # First what can only be an input: it tells what a PipelineData beside it means.
    for position, item in others:
        if not isinstance(item, _DATA):
            taking.take_argument(position, item)
    for position, item in others:
        if isinstance(item, _DATA):
            taking.take_data(position, item)
    return Given(
        inputs=tuple(taking.inputs),
        outputs=tuple(taking.outputs),
        arguments=tuple([taking.texts.get(position, item) for position, item in enumerate(arguments)]),
        inputs_of=taking.inputs_of,
        undecided=tuple(taking.undecided.values()),
    )


class _Taking:
    """The state of one `take_given` call."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._written: set[Hashable] = set()
        self.inputs: list[BoundInput] = []
        self.listed = 0
        self.outputs: list[BoundOutput] = []
        self.inputs_of: dict[int, int] = {}
        self.texts: dict[int, str] = {}
        self.undecided: dict[int, PipelineData] = {}

    def add_output(self, item: object) -> None:
        bound = bind_output(item, where=self._where)
        self.outputs.append(bound)
        self._written.add(bound.identity)

    def add_input(self, bound: BoundInput) -> int:
        """Add an input, or find the one that it is; return its position."""
        for position, known in enumerate(self.inputs):
            merged = merge_inputs(known, bound)
            if merged is not None:
                self.inputs[position] = merged
                return position
        self.inputs.append(bound)
        return len(self.inputs) - 1

    def take_argument(self, position: int, item: object) -> None:
        """Sort one argument that can be no output."""
        if isinstance(item, _ONLY_INPUTS) or hasattr(item, "create_input_binding"):
            bound = bind_input(item, where=self._where)
            place = self._listed_data(item, bound)
            self.inputs_of[position] = self.add_input(bound) if place is None else place
        elif isinstance(item, DataReference):
            self.inputs_of[position] = self._listed_reference(item)
        elif isinstance(item, AbstractDataset):
            raise GraphError(
                f"{self._where}: a dataset stands in the arguments; write dataset.as_named_input('name') there"
            )
        elif isinstance(item, OutputPortBinding):
            if origin(item) not in self._written:
                raise GraphError(
                    f"{self._where}: output {item.name!r} stands in the arguments but not in the outputs; add it to"
                    " both"
                )
        else:
            self.texts[position] = self._text(item)

    def _text(self, item: object) -> str:
        text = text_of(item)
        if text is None:
            raise ArgumentTypeError(
                f"{self._where}: argument {item!r} (a {type(item).__name__}) cannot be text; pass a str, number, bool,"
                " None, data object or PipelineParameter"
            )
        return text

    def take_data(self, position: int, item: object) -> None:
        """Sort an argument that can be an output or an input: what is listed says which."""
        bound = bind_input(item, where=self._where)
        if bound.identity in self._written:
            return
        same = [place for place, known in enumerate(self.inputs) if known.identity == bound.identity]
        if same:
            named = [place for place in same if self.inputs[place].name == bound.name]
            self.inputs_of[position] = (named or same)[0]
        elif isinstance(item, PipelineData):
            self.undecided[id(item)] = item
        elif isinstance(item, OutputDatasetConfig):
            self.add_output(item)
        else:
            self.inputs_of[position] = self.add_input(bound)

    def _listed_data(self, item: object, bound: BoundInput) -> int | None:
        """Return the listed input that a binding means by the data that it binds, whatever its own name (v1 rule)."""
        if not isinstance(item, InputPortBinding):
            return None
        same = [place for place in range(self.listed) if self.inputs[place].identity == bound.identity]
        if not same or any(self.inputs[place].name == bound.name for place in same):
            return None
        merged = merge_inputs(self.inputs[same[0]], replace(bound, name=self.inputs[same[0]].name))
        if merged is None:
            return None
        self.inputs[same[0]] = merged
        return same[0]

    def _listed_reference(self, item: DataReference) -> int:
        wanted = bind_input(item, where=self._where)
        for position, known in enumerate(self.inputs):
            merged = merge_inputs(known, wanted)
            if merged is not None:
                self.inputs[position] = merged
                return position
        raise GraphError(
            f"{self._where}: data reference {item.name!r} stands in the arguments but not in the inputs; add it to both"
        )
