"""
Mapped steps: what `PythonScriptStepOperator.partial(...).expand(...)` makes in the DAG file, and in the run.

In the DAG file there is one mapped operator of Airflow's. It holds a `StepWriter`, which knows what the file said, and
each of its tasks writes its step from that and from its own values. Values that stand in the file may hold anything
that steps take, data and parameters of the DAG too; values of other tasks are plain. All of them are kept out of the
serialized DAG, as arguments of any step are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.definitions._internal.contextmanager import TaskGroupContext
from airflow.sdk.definitions._internal.expandinput import DictOfListsExpandInput, ListOfDictsExpandInput
from airflow.sdk.definitions.mappedoperator import OperatorPartial

from airflow_ml.exceptions import GraphError
from airflow_ml.operators._writing import STEP_ARGUMENTS, WRITER, StepWriter, WrittenStep, dag_of, producers_of
from airflow_ml.translation.assets import assets_of
from airflow_ml.translation.node_tasks import refuse_nodes
from airflow_ml.translation.params import add_params
from airflow_ml.translation.pools import pool_arguments
from airflow_ml.translation.reuse_param import add_reuse_param

if TYPE_CHECKING:
    from airflow.sdk import DAG
    from airflow.sdk.definitions._internal.expandinput import ExpandInput
    from airflow.sdk.definitions.mappedoperator import MappedOperator

    from airflow_ml.graph import OutputPort

__all__ = ["StepPartial", "begin_mapping", "write_mapped"]

#: What can be mapped of a step. For the rest a pool, an edge or an output hangs on it, all of which are the task's.
_MAPPED = ("arguments", "inputs")

_SIGNATURE = frozenset({"workspace", "script_name", "experiment", "outputs"})
_OURS = frozenset({"pipeline", "step", "compute_pool", WRITER})


@dataclass(frozen=True)
class _Hidden:
    """A value in the DAG file, as it stands among the values that Airflow maps over."""

    value: object

    def __deepcopy__(self, _memo: object) -> _Hidden:
        """Return the value itself: a copied DAG has the same data, which is told apart by identity."""
        return self

    def __str__(self) -> str:
        """Stand in the serialized DAG, which must be the same at each parse and hold nothing secret."""
        return "value"

    __repr__ = __str__


def begin_mapping(kind: type[BaseOperator], task_id: str, given: Mapping[str, Any]) -> StepPartial:
    """Do what `partial` does: see `PythonScriptStepOperator.partial`."""
    refused = sorted(_OURS & set(given))
    if refused:
        raise GraphError(f"task {task_id!r}: {refused[0]!r} cannot be given to a mapped step; leave it away")
    defaults = _defaults(given, dag_of(given, task_id))
    known = {name: defaults[name] for name in _SIGNATURE if name in defaults} | dict(given)
    taken = STEP_ARGUMENTS | _SIGNATURE | set(_MAPPED)
    airflow = {name: value for name, value in known.items() if name not in taken}
    writer = StepWriter.begin(
        airflow,
        task_id=task_id,
        workspace=known.get("workspace"),
        script_name=known.get("script_name"),
        experiment=known.get("experiment"),
        given={name: known[name] for name in (*STEP_ARGUMENTS, *_MAPPED, "outputs") if name in known},
    )
    common = writer.write(arguments=None, inputs=None)
    refuse_nodes(common.graph, common.step)
    for port in common.step.outputs:
        _check_destination(writer, port)
    pool = {} if "pool" in airflow else pool_arguments(common.graph, common.step)
    begun = BaseOperator.__dict__["partial"].__get__(None, kind)(
        task_id=task_id,
        **{"trigger_rule": "all_success", **pool, **airflow, WRITER: replace(writer, common=common)},
    )
    begun._expand_called = True  # Airflow warns of one that is thrown away
    return StepPartial(operator_class=kind, kwargs=begun.kwargs, params=begun.params)


def _as_list(outlets: object) -> list[object]:
    """Return outlets as Airflow takes them: one, several or none."""
    if isinstance(outlets, Collection):
        return [*outlets]
    return [] if outlets is None else [outlets]


def _defaults(given: Mapping[str, Any], dag: DAG) -> Mapping[str, Any]:
    """Return `default_args`; Airflow itself looks for its own arguments among them."""
    group = given.get("task_group") or TaskGroupContext.get_current(dag)
    of_group = getattr(group, "default_args", None) or {}
    return {**dag.default_args, **of_group, **(given.get("default_args") or {})}


def _check_destination(writer: StepWriter, port: OutputPort) -> None:
    if port.destination is not None and "{run-id}" not in port.destination:
        raise GraphError(
            f"task {writer.step_id!r}: output {port.name!r} goes to {port.destination!r}, the same place for every"
            " value that the step is mapped over; write '{run-id}' into its destination"
        )


class StepPartial(OperatorPartial):
    """A mapped step between `partial` and `expand`."""

    def _expand(self, expand_input: ExpandInput, *, strict: bool) -> MappedOperator:
        writer: StepWriter = self.kwargs[WRITER]
        hidden: ExpandInput
        if isinstance(expand_input, DictOfListsExpandInput):
            values = expand_input.value
            _refuse_names(writer, values)
            found = _known_steps(writer, _combinations(values))
            hidden = DictOfListsExpandInput({name: _hide_each(name, value) for name, value in values.items()})
        else:
            items = expand_input.value if isinstance(expand_input.value, Sequence) else ()
            known = [item for item in items if isinstance(item, Mapping)]
            for item in known:
                _refuse_names(writer, item)
            found = _known_steps(writer, ({name: item[name] for name in _MAPPED if name in item} for item in known))
            hidden = ListOfDictsExpandInput([_hide(item) for item in items] if items else expand_input.value)
        assets = {asset.uri: asset for made in found for asset in assets_of(made.graph, made.step)}
        if assets:
            self.kwargs["outlets"] = [*_as_list(self.kwargs.get("outlets")), *assets.values()]
        operator = super()._expand(hidden, strict=strict)
        _settle(operator, writer, found)
        return operator


def _refuse_names(writer: StepWriter, values: Mapping[str, object]) -> None:
    for name in values:
        if name in STEP_ARGUMENTS | _SIGNATURE | _OURS:
            raise GraphError(
                f"task {writer.step_id!r}: {name!r} cannot be mapped, because it is the same for all steps of the task;"
                f" give it to partial(); mapped can be: {', '.join(_MAPPED)}"
            )
    if not _is_in_file(values.get("inputs", ())):
        raise GraphError(
            f"task {writer.step_id!r}: inputs are data, which no task can hand on as a value; map the step over inputs"
            " that stand in the DAG file, or over arguments"
        )


def _is_in_file(value: object) -> bool:
    """Whether the values are known where the DAG is written; those of other tasks are of Airflow's own classes."""
    return isinstance(value, (Mapping, Sequence))


def _combinations(values: Mapping[str, Any]) -> Iterator[Mapping[str, object]]:
    names = [name for name in _MAPPED if name in values and _is_in_file(values[name])]
    each = [_items(values[name]) for name in names]
    return (dict(zip(names, chosen, strict=True)) for chosen in product(*each))


def _items(values: Any) -> list[object]:
    """Return the values that Airflow maps over; pairs for a mapping, as it does."""
    return [*values.items()] if isinstance(values, Mapping) else [*values]


def _hide_each(name: str, values: Any) -> Any:
    return [_Hidden(item) for item in _items(values)] if name in _MAPPED and _is_in_file(values) else values


def _hide(item: Any) -> Any:
    if not isinstance(item, Mapping):
        return item
    return {name: _Hidden(value) if name in _MAPPED else value for name, value in item.items()}


def _known_steps(writer: StepWriter, combinations: Iterable[Mapping[str, object]]) -> list[WrittenStep]:
    """Write the steps whose values are in the file, so that what is wrong with them is an error of the file."""
    return [write_mapped(writer, **chosen) for chosen in combinations] or [write_mapped(writer)]


def write_mapped(writer: StepWriter, **mapped: object) -> WrittenStep:
    """
    Write one step of a mapped task.

    Args:
        mapped: its own values; None for what is not mapped.

    Raises:
        ValueError: a value that a step cannot take.
    """
    return writer.write(**{name: _joined(writer, name, mapped.get(name)) for name in _MAPPED})


def _joined(writer: StepWriter, name: str, value: object) -> Sequence[object] | None:
    """Return what all steps of the task have, and then this one's own."""
    common: Sequence[object] | None = writer.given.get(name)
    if isinstance(value, _Hidden):
        value = value.value
    if value is None:
        return common
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise GraphError(
            f"task {writer.step_id!r}: {name} of one of its steps are {value!r}, expected a list; map over a list of"
            " lists"
        )
    return [*(common or ()), *value]


def _settle(operator: MappedOperator, writer: StepWriter, steps: Iterable[WrittenStep]) -> None:
    """Put the mapped task behind those that it reads from, and its parameters among the DAG's params."""
    dag = operator.get_dag()
    assert dag is not None
    for step in steps:
        add_params(dag.params, step.graph.parameters, where=f"task {writer.step_id!r}")
        for producer in producers_of(step, dag):
            if producer.task_id not in operator.upstream_task_ids:
                operator.set_upstream(producer)
    add_reuse_param(dag.params)
