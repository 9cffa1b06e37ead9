"""Who writes what: declared outputs, data in arguments alone, copies, notebook cells that run again."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_ml.core import Workspace
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.graph import Graph, InputRef, OutputRef, StepOutputSource
from airflow_ml.pipeline.core import InputPortBinding, OutputPortBinding, Pipeline, PipelineData
from airflow_ml.pipeline.steps import PythonScriptStep

MakeStep = Callable[..., PythonScriptStep]


def outputs(graph: Graph) -> dict[str, list[str]]:
    """Return the outputs of each step."""
    return {node.id: [port.name for port in node.outputs] for node in graph.steps}


def test_second_producer_is_refused(workspace: Workspace, step: MakeStep) -> None:
    """One output has one producer; the error names the output and both steps."""
    data = PipelineData("d")
    steps = [step("a", outputs=[data]), step("b", outputs=[data])]

    with pytest.raises(ValueError, match="output 'd' is written by step 'a' and by step 'b'"):
        Pipeline(workspace, steps)


def test_copies_of_a_configuration_are_one_output(workspace: Workspace, step: MakeStep) -> None:
    """Two copies written by two steps are the same output written twice."""
    config = OutputFileDatasetConfig("d")
    steps = [step("a", arguments=[config.as_upload()]), step("b", outputs=[config])]

    with pytest.raises(ValueError, match="output 'd' is written by step 'a' and by step 'b'"):
        Pipeline(workspace, steps)


def test_input_without_producer_is_refused(workspace: Workspace, step: MakeStep) -> None:
    """An output that no step writes cannot be read; the error names input and step."""
    for lonely in (PipelineData("d"), OutputFileDatasetConfig("d").as_input("d")):
        with pytest.raises(ValueError, match="step 'a': no step of the pipeline writes input 'd'"):
            Pipeline(workspace, step("a", inputs=[lonely]))


def test_two_pipeline_outputs_of_one_name_are_refused(workspace: Workspace, step: MakeStep) -> None:
    """`pipeline_output_name` is unique in the pipeline."""
    first, second = PipelineData("a", pipeline_output_name="best"), PipelineData("b", pipeline_output_name="best")

    with pytest.raises(ValueError, match="pipeline output 'best' is declared by step 's' and by step 't'"):
        Pipeline(workspace, [step("s", outputs=[first]), step("t", outputs=[second])])


@pytest.mark.parametrize("producer_has_copy", [True, False])
def test_copies_of_configurations_connect(workspace: Workspace, step: MakeStep, producer_has_copy: bool) -> None:
    """Producer and consumer may hold different copies, either way round."""
    original = OutputFileDatasetConfig("table")
    copy = original.as_upload().register_on_complete("registered").read_delimited_files()
    written, read = (copy, original) if producer_has_copy else (original, copy)
    step("a", outputs=[written])

    graph = Pipeline(workspace, step("b", inputs=[read.as_input("i")])).graph

    assert graph.step("b").input("i").source == StepOutputSource("a", "table")
    assert graph.step("b").input("i").mode == ("mount" if producer_has_copy else "direct")
    assert (graph.step("b").input("i").transformations is None) is producer_has_copy


def test_same_configuration_listed_as_input_is_an_input(workspace: Workspace, step: MakeStep) -> None:
    """A consumer may list the output itself, and name it in its arguments too."""
    config = OutputFileDatasetConfig("table")
    steps = [step("a", arguments=[config]), step("b", inputs=[config], arguments=["--in", config])]

    graph = Pipeline(workspace, steps).graph

    assert outputs(graph) == {"a": ["table"], "b": []}
    assert graph.step("b").arguments == (("--in",), (InputRef("input_1"),))
    assert Pipeline(workspace, steps[1]).graph == graph


def test_output_name_is_the_producers_and_name_the_consumers(workspace: Workspace, step: MakeStep) -> None:
    """`PipelineData('d', output_name='on')` is port `on` at its producer and `d` at its consumers."""
    data = PipelineData("d", output_name="on")
    steps = [step("a", outputs=[data], arguments=[data]), step("b", inputs=[data], arguments=[data])]

    graph = Pipeline(workspace, steps).graph

    assert graph.step("a").arguments == ((OutputRef("on"),),)
    assert graph.step("b").arguments == ((InputRef("d"),),)
    assert graph.step("b").input("d").source == StepOutputSource("a", "on")


def test_port_bindings_connect(workspace: Workspace, step: MakeStep) -> None:
    """The explicit forms of input and output connect as the short ones do."""
    written = OutputPortBinding("d", output_name="on", bind_mode="upload", overwrite=True)
    steps = [step("a", outputs=[written]), step("b", inputs=[InputPortBinding("i", written, bind_mode="download")])]

    graph = Pipeline(workspace, steps).graph

    assert graph.step("a").output("on").mode == "upload"
    assert graph.step("b").input("i").source == StepOutputSource("a", "on")
    assert graph.step("b").input("i").mode == "download"
    assert Pipeline(workspace, steps[1]).graph == graph


def test_data_in_arguments_alone_is_an_output(workspace: Workspace, step: MakeStep) -> None:
    """What no step declares is written by the first step that names it (the article's `train_step`)."""
    data = PipelineData("results")

    graph = Pipeline(workspace, step("train", arguments=["--to", data, data])).graph

    assert outputs(graph) == {"train": ["results"]}
    assert graph.step("train").arguments == (("--to",), (OutputRef("results"),), (OutputRef("results"),))


def test_data_in_arguments_with_a_producer_is_an_input(workspace: Workspace, step: MakeStep) -> None:
    """What another step writes, declared or not, is read by the later one, in whatever order they are listed."""
    declared, implied = PipelineData("declared"), PipelineData("implied")
    first = step("a", outputs=[declared], arguments=[implied])
    last = step("b", arguments=[declared, implied])

    for steps in ([first, last], [last, first], [last]):
        graph = Pipeline(workspace, steps).graph
        assert outputs(graph) == {"a": ["declared", "implied"], "b": []}
        assert graph.step("b").upstream == ("a",)


def test_binding_in_arguments_alone_is_an_input(workspace: Workspace, step: MakeStep) -> None:
    """`data.as_input()` without a name and without `inputs` reads (the article's `train_step`)."""
    data = PipelineData("prepared")
    step("prepare", outputs=[data])

    graph = Pipeline(workspace, step("train", arguments=[data.as_input(), data.as_download("copy")])).graph

    assert graph.step("train").arguments == ((InputRef("prepared"),), (InputRef("copy"),))
    assert graph.step("train").input("copy").mode == "download"


def test_binding_beside_bare_data_says_that_it_is_read(workspace: Workspace, step: MakeStep) -> None:
    """A step that names data bare and as an input reads it, whichever stands first."""
    data = PipelineData("d")
    step("a", arguments=[data])

    graph = Pipeline(workspace, step("b", arguments=[data, data.as_download()])).graph

    assert outputs(graph) == {"a": ["d"], "b": []}
    assert graph.step("b").arguments == ((InputRef("d"),), (InputRef("d"),))


@pytest.mark.parametrize("how", ["outputs", "arguments"])
def test_notebook_cells_may_run_again(workspace: Workspace, step: MakeStep, how: str) -> None:
    """A step that is made again with the same data takes the place of the first one; so does its consumer."""
    data = PipelineData("d")
    old = step("a", **{how: [data]})
    reader = step("b", inputs=[data] if how == "outputs" else [], arguments=[data])
    new = step("a", **{how: [data]})
    new_reader = step("b", arguments=[data])

    for steps, producer in (([new, reader], new), ([reader], new), ([old, reader], old), ([new_reader], new)):
        pipeline = Pipeline(workspace, steps)
        assert outputs(pipeline.graph) == {"a": ["d"], "b": []}
        assert producer in pipeline._steps


def test_both_runs_of_a_cell_in_one_pipeline_are_refused(workspace: Workspace, step: MakeStep) -> None:
    """The old and the new step together write one output twice."""
    data = PipelineData("d")

    with pytest.raises(ValueError, match="written by step 'a' and by step 'a'"):
        Pipeline(workspace, [step("a", outputs=[data]), step("a", outputs=[data])])


def test_steps_of_one_name_in_a_loop_keep_their_order(workspace: Workspace, step: MakeStep) -> None:
    """Of two listed steps that share a name, the first one writes what both name in their arguments."""
    data = PipelineData("d")
    steps = [step("same", arguments=[data]), step("same", arguments=[data])]

    assert outputs(Pipeline(workspace, steps).graph) == {"same": ["d"], "same_2": []}
