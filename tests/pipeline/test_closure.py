"""Which steps a pipeline has, and in which order they run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_ml.core import Workspace
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.exceptions import GraphError, NotSupportedError
from airflow_ml.pipeline.core import Pipeline, PipelineData, StepSequence
from airflow_ml.pipeline.steps import PythonScriptStep

MakeStep = Callable[..., PythonScriptStep]


def ids(pipeline: Pipeline) -> list[str]:
    """Return the ids of the pipeline's steps, in their order."""
    return [node.id for node in pipeline.graph.steps]


def links(pipeline: Pipeline) -> dict[str, set[str]]:
    """Return what each step waits for."""
    return {node.id: set(node.upstream) for node in pipeline.graph.steps}


def test_one_step_needs_no_list(workspace: Workspace, step: MakeStep) -> None:
    """`steps` may be a step itself."""
    assert ids(Pipeline(workspace, step("a"))) == ["a"]


def test_pipeline_data_means_its_producer(workspace: Workspace, step: MakeStep) -> None:
    """`steps` may hold the data that is wanted in the end."""
    declared, implied = PipelineData("declared"), PipelineData("implied")
    step("a", outputs=[declared])
    step("b", arguments=[implied])

    assert ids(Pipeline(workspace, [declared, implied])) == ["a", "b"]


def test_data_that_nobody_writes_is_refused(workspace: Workspace) -> None:
    """Data without a producer cannot stand in `steps`."""
    with pytest.raises(ValueError, match="no step writes 'd'"):
        Pipeline(workspace, [PipelineData("d")])


@pytest.mark.parametrize("wrong", [("step",), "step", None, 5, {}, {"step"}])
def test_other_types_of_steps_are_refused(workspace: Workspace, step: MakeStep, wrong: object) -> None:
    """A tuple, or anything else that is no list or step, raises NotImplementedError, also deep inside."""
    wrong = (step("a"),) if isinstance(wrong, tuple) else wrong

    for steps in (wrong, [step("b"), [wrong]], StepSequence([wrong])):
        with pytest.raises(NotImplementedError, match=type(wrong).__name__) as caught:
            Pipeline(workspace, steps)
        assert isinstance(caught.value, NotSupportedError)


@pytest.mark.parametrize("steps", [[], [[], [[]]], StepSequence([])])
def test_pipeline_needs_a_step(workspace: Workspace, steps: object) -> None:
    """An empty pipeline is a mistake."""
    with pytest.raises(ValueError, match="at least one step"):
        Pipeline(workspace, steps)


def test_nesting_orders_nothing(workspace: Workspace, step: MakeStep) -> None:
    """Nested lists are one list; the order of a list means nothing."""
    pipeline = Pipeline(workspace, [[step("a"), [step("b")]], step("c")])

    assert links(pipeline) == {"a": set(), "b": set(), "c": set()}


def test_sequence_orders(workspace: Workspace, step: MakeStep) -> None:
    """In `[[a, b], c]` c waits for a and b, which run side by side."""
    steps = StepSequence([[step("a"), step("b")], step("c"), step("d")])

    assert links(Pipeline(workspace, steps)) == {"a": set(), "b": set(), "c": {"a", "b"}, "d": {"c"}}


def test_sequences_nest(workspace: Workspace, step: MakeStep) -> None:
    """A sequence inside a sequence runs as a whole between its neighbours; an empty one is not there."""
    inner = StepSequence([step("b"), step("c")])
    steps = StepSequence([step("a"), inner, StepSequence([]), step("d")])

    assert links(Pipeline(workspace, [steps])) == {"a": set(), "b": {"a"}, "c": {"a", "b"}, "d": {"b", "c"}}


def test_same_step_twice_is_one_node(workspace: Workspace, step: MakeStep) -> None:
    """A step object is one node however often it is listed; two objects of one name are two."""
    one = step("a")

    assert ids(Pipeline(workspace, [one, [one]])) == ["a"]
    assert len(Pipeline(workspace, [one, step("a")]).graph.steps) == 2


def test_producers_are_added(workspace: Workspace, step: MakeStep) -> None:
    """Steps whose outputs are read need not be listed, over any number of steps."""
    first, second, third = PipelineData("d1"), OutputFileDatasetConfig("d2"), PipelineData("d3")
    step("a", outputs=[first])
    step("b", inputs=[first], arguments=[second])
    step("c", inputs=[second.as_input("i")], outputs=[third.as_dataset()])
    last = step("d", arguments=[third.as_dataset().as_named_input("x")])

    pipeline = Pipeline(workspace, [last])

    assert ids(pipeline) == ["a", "b", "c", "d"]
    assert links(pipeline) == {"a": set(), "b": {"a"}, "c": {"b"}, "d": {"c"}}


def test_predecessors_are_added(workspace: Workspace, step: MakeStep) -> None:
    """Steps that `run_after` names need not be listed."""
    first, last = step("a"), step("b")
    last.run_after(first)

    assert links(Pipeline(workspace, last)) == {"a": set(), "b": {"a"}}


@pytest.mark.parametrize("by_data", [True, False])
def test_without_closure_everything_is_listed(workspace: Workspace, step: MakeStep, by_data: bool) -> None:
    """With `resolve_closure=False` a missing step is an error that names both steps."""
    data = PipelineData("d")
    first = step("a", outputs=[data])
    last = step("b", inputs=[data] if by_data else [])
    if not by_data:
        last.run_after(first)

    with pytest.raises(ValueError, match=r"step 'b': .*'a' is not in the pipeline"):
        Pipeline(workspace, [last], resolve_closure=False)
    assert ids(Pipeline(workspace, [last, first], resolve_closure=False)) == ["a", "b"]


def test_order_is_captured_when_the_pipeline_is_made(workspace: Workspace, step: MakeStep) -> None:
    """`run_after` changes later pipelines of the same steps, not one that exists."""
    first, last = step("a"), step("b")
    before = Pipeline(workspace, [first, last])
    last.run_after(first)
    last.run_after(first)

    assert links(before)["b"] == set()
    assert links(Pipeline(workspace, [first, last]))["b"] == {"a"}


def test_run_after_takes_steps_alone(step: MakeStep) -> None:
    """Anything else is an error at once."""
    with pytest.raises(GraphError, match="run_after takes a step, not 'b'"):
        step("a").run_after("b")  # type: ignore[arg-type]  # what is tested


def test_cycles_are_built_and_found_later(workspace: Workspace, step: MakeStep) -> None:
    """A cycle is no error of the constructor; `validate` returns it, `to_dag` and `submit` raise it."""
    first, last = step("first"), step("last")
    first.run_after(last)
    last.run_after(first)

    pipeline = Pipeline(workspace, [first])

    (problem,) = pipeline.validate()
    assert "cycle" in problem
    assert "'first'" in problem
    for start in (lambda: pipeline.to_dag("d"), lambda: pipeline.to_task_group("g"), lambda: pipeline.submit("e")):
        with pytest.raises(ValueError, match="cycle"):
            start()


def test_step_after_itself_is_a_cycle(workspace: Workspace, step: MakeStep) -> None:
    """So is a sequence that has a step twice, and a step that reads what it writes."""
    data = PipelineData("d")
    itself, twice = step("a"), step("b")
    itself.run_after(itself)
    reads_itself = step("c", inputs=[data], outputs=[data])

    for steps in (itself, StepSequence([twice, step("x"), twice]), reads_itself):
        assert len(Pipeline(workspace, steps).validate()) == 1


def test_fine_pipelines_say_so(workspace: Workspace, step: MakeStep, capsys: pytest.CaptureFixture[str]) -> None:
    """`validate` returns an empty list and prints one line per step."""
    assert Pipeline(workspace, [step("a"), step("b")]).validate() == []
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["a", "b"]
