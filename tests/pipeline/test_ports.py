"""Inputs and outputs of one step: what may be given, names, merging, default names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.data._dataset_by_name import by_name
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.data_reference import DataReference
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.exceptions import GraphError
from airflow_ml.graph import (
    DataReferenceSource,
    DatasetSource,
    InputPort,
    InputRef,
    OutputPort,
    OutputRef,
    Step,
    StepOutputSource,
)
from airflow_ml.pipeline.core import (
    InputPortBinding,
    OutputPortBinding,
    Pipeline,
    PipelineData,
    PipelineStep,
    PortDataReference,
    TrainingOutput,
)
from airflow_ml.pipeline.core.run import PipelineRun
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.registry import OutputRecord

MakeStep = Callable[..., PythonScriptStep]


def node(workspace: Workspace, step: PythonScriptStep) -> Step:
    """Return the step as its pipeline's graph has it."""
    return next(node for node in Pipeline(workspace, step).graph.steps if node.name == step.name)


def test_dataset_needs_a_name(dataset: FileDataset, step: MakeStep) -> None:
    """A raw dataset raises ValueError, among the inputs and in the arguments; the error says what to write."""
    for given in ({"inputs": [dataset]}, {"arguments": [dataset]}):
        with pytest.raises(ValueError, match="as_named_input"):
            step("a", **given)


@pytest.mark.parametrize("wrong", ["text", 5, object(), PipelineRun, ("a", "b"), OutputPortBinding("o")])
def test_other_inputs_are_refused(step: MakeStep, wrong: object) -> None:
    """An input of a type that carries no data raises ValueError naming the step."""
    with pytest.raises(ValueError, match="step 'a'"):
        step("a", inputs=[wrong])


@pytest.mark.parametrize("wrong", ["text", 5, object(), ("a", "b")])
def test_other_outputs_are_refused(step: MakeStep, wrong: object) -> None:
    """An output of a type that takes no data raises ValueError naming the step."""
    with pytest.raises(ValueError, match=r"step 'a'.*cannot be an output"):
        step("a", outputs=[wrong])


def test_callers_lists_stay_as_they_are(workspace: Workspace, dataset: FileDataset, step: MakeStep) -> None:
    """One list can be given to two steps (v1 rewrote it), and may be changed afterwards."""
    config = OutputFileDatasetConfig("o")
    inputs, arguments = [dataset.as_named_input("i")], ["--in", dataset.as_named_input("i").as_mount(), config]
    outputs: list[object] = []
    kept = (list(inputs), list(arguments))
    one = step("one", inputs=inputs, arguments=arguments, outputs=outputs)

    assert (inputs, arguments, outputs) == (*kept, [])
    inputs.clear()
    arguments.append("late")
    assert [port.name for port in node(workspace, one).inputs] == ["i"]
    assert len(node(workspace, one).arguments) == 3


def test_brackets_may_be_left_out(workspace: Workspace, dataset: FileDataset, step: MakeStep) -> None:
    """One object, a tuple and None are taken where a list is meant."""
    data = PipelineData("d")
    made = node(workspace, step("a", inputs=dataset.as_named_input("i"), outputs=data, arguments="--x"))

    assert [port.name for port in (*made.inputs, *made.outputs)] == ["i", "d"]
    assert made.arguments == (("--x",),)
    assert node(workspace, step("b", inputs=None, outputs=(), arguments=("a", "b"))).arguments == (("a",), ("b",))


@pytest.mark.parametrize("name", ["", "a b", "a-b", "a.b", "a/b", None, 5])
def test_names_of_pipeline_data_are_words(name: object) -> None:
    """Name and output name hold letters, digits and underscores."""
    with pytest.raises(ValueError, match="letters, digits and underscores"):
        PipelineData(name)  # type: ignore[arg-type]  # what is tested
    if name:
        with pytest.raises(ValueError, match="output_name"):
            PipelineData("d", output_name=name)  # type: ignore[arg-type]  # what is tested


def test_output_mode_is_mount_or_upload() -> None:
    """Any other mode raises ValueError at once."""
    for make in (lambda: PipelineData("d", output_mode="direct"), lambda: OutputPortBinding("d", bind_mode="direct")):
        with pytest.raises(ValueError, match="'mount' nor 'upload'"):
            make()


@pytest.mark.parametrize("name", ["a b", "a-b", ""])
def test_names_of_ports_are_checked_in_the_pipeline(workspace: Workspace, step: MakeStep, name: str) -> None:
    """Names that the script could not have as a variable raise in `Pipeline`, not in the step's constructor."""
    data = PipelineData("d")
    step("a", outputs=[data])
    reader = step("b", inputs=[InputPortBinding(name, data)])

    with pytest.raises(ValueError, match="step 'b': input name"):
        Pipeline(workspace, reader)


def test_repeated_names_are_refused(workspace: Workspace, store: AzureBlobDatastore, step: MakeStep) -> None:
    """Two inputs of one name that read different data raise ValueError in `Pipeline`; so do two outputs."""
    references = [DataReference(store, "r", "a"), DataReference(store, "r", "b")]
    for given, what in (
        ({"inputs": references}, "input"),
        ({"outputs": [PipelineData("r"), PipelineData("r")]}, "output"),
    ):
        made = step("a", **given)
        with pytest.raises(ValueError, match=f"step 'a': {what} name 'r' is repeated"):
            Pipeline(workspace, made)


def test_input_called_like_an_output_is_renamed(workspace: Workspace, step: MakeStep) -> None:
    """A script step's input gets the name `INPUT_<name>`, in its arguments too."""
    read, written = PipelineData("d"), PipelineData("e", output_name="d")
    step("a", outputs=[read])

    made = node(workspace, step("b", inputs=[read], outputs=[written], arguments=[read, written]))

    assert [port.name for port in (*made.inputs, *made.outputs)] == ["INPUT_d", "d"]
    assert made.arguments == ((InputRef("INPUT_d"),), (OutputRef("d"),))


def test_other_steps_do_not_rename(workspace: Workspace, dataset: FileDataset) -> None:
    """Kinds of steps that do not ask for it raise instead."""
    made = PipelineStep("a", inputs=[dataset.as_named_input("d")], outputs=[PipelineData("d")])

    with pytest.raises(ValueError, match="'d' names an input and an output"):
        Pipeline(workspace, made)


def test_random_names_become_stable_ones(workspace: Workspace, dataset: FileDataset, step: MakeStep) -> None:
    """Inputs and outputs without a name are numbered, past the names that were given."""
    config, other = OutputFileDatasetConfig(), OutputFileDatasetConfig()
    step("a", arguments=[config, other])
    own = [OutputFileDatasetConfig("output_1"), OutputFileDatasetConfig(), OutputFileDatasetConfig()]

    made = node(
        workspace,
        step("b", inputs=[config, other.as_input(), dataset.as_named_input("input_2")], arguments=own),
    )

    assert [port.name for port in made.outputs] == ["output_1", "output_2", "output_3"]
    assert [port.name for port in made.inputs] == ["input_1", "input_3", "input_2"]


def test_article_names_one_input_twice(workspace: Workspace, dataset: FileDataset, step: MakeStep) -> None:
    """`inputs=[config]` and `config.as_download()` in the arguments are one input; the explicit mode wins."""
    config = dataset.as_named_input("input1")

    made = node(workspace, step("a", inputs=[config], arguments=["--input", config.as_download()]))

    assert made.inputs == (InputPort("input1", dataset.source, "download"),)
    assert made.arguments == (("--input",), (InputRef("input1"),))


def test_same_name_of_the_same_dataset_is_one_input(workspace: Workspace, dataset: FileDataset, step: MakeStep) -> None:
    """Configurations that were made one by one count by name and dataset, as inputs and in the arguments."""
    inputs = [dataset.as_named_input("i").as_mount("/data"), dataset.as_named_input("i")]

    made = node(workspace, step("a", inputs=inputs, arguments=[dataset.as_named_input("i")]))

    assert made.inputs == (InputPort("i", dataset.source, "mount", "/data"),)


def test_unnamed_mention_means_the_named_input(workspace: Workspace, step: MakeStep) -> None:
    """An input of an output without a name is the one of the same output that has one; the stronger mode wins."""
    config = OutputFileDatasetConfig("o")
    step("a", arguments=[config])

    made = node(workspace, step("b", inputs=[config.as_input("i")], arguments=[config.as_input().as_download()]))

    assert made.inputs == (InputPort("i", StepOutputSource("a", "o"), "download"),)


def test_unnamed_datasets_are_named_by_what_they_are(
    workspace: Workspace, dataset: FileDataset, step: MakeStep
) -> None:
    """`dataset.as_mount()` has the same name on every parse."""
    made = node(workspace, step("a", inputs=[dataset.as_mount()], arguments=[dataset.as_mount()]))

    assert [(port.name, port.mode) for port in made.inputs] == [(dataset.as_mount().name, "mount")]


def test_two_names_are_two_inputs(workspace: Workspace, dataset: FileDataset, step: MakeStep) -> None:
    """One dataset can be read under two names."""
    made = node(workspace, step("a", inputs=[dataset.as_named_input("i"), dataset.as_named_input("j").as_mount()]))

    assert [(port.name, port.mode) for port in made.inputs] == [("i", "direct"), ("j", "mount")]


def test_two_views_of_one_output_are_two_inputs(workspace: Workspace, step: MakeStep) -> None:
    """Tables that keep other columns of one output are not one input, and need names of their own."""
    data = PipelineData("d")
    step("a", outputs=[data.as_dataset()])
    table = data.as_dataset().parse_delimited_files()
    views = [table.keep_columns("x").as_named_input("x"), table.keep_columns("y").as_named_input("y")]

    made = node(workspace, step("b", inputs=views, arguments=views))

    assert made.arguments == ((InputRef("x"),), (InputRef("y"),))
    with pytest.raises(GraphError, match="repeated"):
        Pipeline(workspace, step("c", inputs=[table.keep_columns("x"), table.keep_columns("y")]))


def test_references_must_be_listed(workspace: Workspace, store: AzureBlobDatastore, step: MakeStep) -> None:
    """A data reference in the arguments stands in the inputs too, as in v1; a copy of another mode is the same."""
    reference = DataReference(store, "r", "a/b")

    made = node(workspace, step("a", inputs=[reference], arguments=[reference, reference.as_download()]))

    assert made.inputs == (InputPort("r", DataReferenceSource("store", "a/b"), "download"),)
    for inputs in ([], [DataReference(store, "r", "elsewhere")]):
        with pytest.raises(ValueError, match="'r' stands in the arguments but not in the inputs"):
            step("b", inputs=inputs, arguments=[reference])


def test_reference_for_uploads_is_no_input(store: AzureBlobDatastore, step: MakeStep) -> None:
    """The error names what took its place."""
    with pytest.raises(ValueError, match="use OutputFileDatasetConfig"):
        step("a", inputs=[DataReference(store, "r").as_upload()])


def test_output_seen_as_a_table(workspace: Workspace, step: MakeStep) -> None:
    """`as_dataset()` forms carry registration to the producer and the parse rules to the consumer."""
    data = PipelineData("d", is_directory=True)
    table = data.as_dataset().parse_delimited_files(separator="\t").drop_columns(["x"]).register("tables")
    steps = [step("a", outputs=[table], arguments=[table]), step("b", inputs=[table.as_named_input("t")])]

    graph = Pipeline(workspace, steps).graph

    read = graph.step("b").input("t")
    parse = {"format": "delimited", "separator": "\t", "file_extension": ".tsv"}
    assert read.mode == "direct"
    assert read.transformations == {"parse": parse, "steps": [{"op": "drop_columns", "columns": ["x"]}]}
    registration = graph.step("a").output("d").registration
    assert registration is not None
    assert (registration.name, registration.transformations) == ("tables", read.transformations)
    assert graph.step("a").arguments == ((OutputRef("d"),),)


def test_output_is_written_down_whole(workspace: Workspace, store: AzureBlobDatastore, step: MakeStep) -> None:
    """Everything that a PipelineData was told reaches the graph."""
    data = PipelineData("d", store, "on", "upload", "out", True, is_directory=True, pipeline_output_name="best")

    (port,) = node(workspace, step("a", outputs=[data])).outputs

    assert port == OutputPort(
        name="on",
        datastore="store",
        mode="upload",
        path_on_compute="out",
        overwrite=True,
        is_directory=True,
        data_type="AnyDirectory",
        pipeline_output_name="best",
    )


def test_names_of_environment_variables_are_v1s() -> None:
    """Data and bindings as text are the variables that the run expands."""
    data = PipelineData("d")

    assert str(data) == f"{data}" == data.get_env_variable_name() == "$AZUREML_DATAREFERENCE_d"
    assert str(data.as_input("i")) == "$AZUREML_DATAREFERENCE_i"
    assert str(data.as_dataset().as_named_input("j")) == "$AZUREML_DATAREFERENCE_j"


def test_dataset_by_name_keeps_its_version(workspace: Workspace, step: MakeStep) -> None:
    """A dataset that is looked up in the run is written down by name and version."""
    made = node(workspace, step("a", inputs=[by_name(workspace, "iris", 3).as_named_input("i")]))

    assert made.input("i").source == DatasetSource(name="iris", version="3")


def test_training_output_is_refused(step: MakeStep) -> None:
    """What only a search or AutoML step can fill is refused, not ignored."""
    data = PipelineData("metrics", training_output=TrainingOutput("Metrics"))

    with pytest.raises(NotImplementedError, match="training_output"):
        step("train", outputs=[data])


def test_resources_are_marked(workspace: Workspace, store: AzureBlobDatastore) -> None:
    """What is given as `resource_inputs` lands in the script's folder, as `as_resource()` does."""

    class OwnStep(PythonScriptStep):
        def __init__(self) -> None:
            super().__init__("run.py", "own", source_directory="src")
            PipelineStep.__init__(self, "own", [], [], resource_inputs=[DataReference(store, "r", "p")])

    assert node(workspace, OwnStep()).input("r").is_resource


def test_outputs_of_finished_runs_are_inputs(step: MakeStep) -> None:
    """A PortDataReference of an earlier run is read like a data reference."""
    real = Workspace.create("ml", show_output=False)
    store = real.get_default_datastore()
    record = OutputRecord("r", "o", "pipeline_data", store.name, "azureml/run/o", False, "digest", "m", 1, 1, None)
    reference = PortDataReference(real, "run", record)

    made = node(real, step("a", inputs=[reference], arguments=[reference]))

    assert made.inputs == (InputPort("o", DataReferenceSource(store.name, "azureml/run/o")),)
    assert made.arguments == ((InputRef("o"),),)


def test_bindings_may_be_changed_before_a_step_is_given_them(workspace: Workspace, step: MakeStep) -> None:
    """Name, mode and path of an input binding can be set, as in v1; what the step was given stays."""
    binding = PipelineData("d").as_input("i")
    binding.name, binding.bind_mode, binding.path_on_compute = "j", "download", "p"
    step("a", outputs=[binding.bind_object])
    reader = step("b", inputs=[binding])
    binding.name = "late"

    assert node(workspace, reader).input("j").mode == "download"
    binding.bind_mode = "unknown"
    with pytest.raises(ValueError, match="step 'c': input 'late': mode 'unknown'"):
        step("c", inputs=[binding])


def test_what_kinds_of_steps_called_in_v1(step: MakeStep, folder: Path) -> None:
    """Checking arguments and finding scripts work; what built v1's graph says how a kind of step is made."""

    class Context:
        default_source_directory = "src"

    made = step("a")
    assert made.get_source_directory(Context(), None, "run.py") == str(folder / "src")
    with pytest.raises(ValueError, match="step 'a': script not found"):
        made.get_source_directory(Context(), "src", "other.py")
    PipelineStep.validate_arguments(["--x", PipelineData("d")], [], [])
    with pytest.raises(TypeError, match="cannot be text"):
        PipelineStep.validate_arguments([object()], None, None)
    for call in (
        lambda: made.create_node(None, None, None),
        lambda: made.create_module_def("escloud", [], []),
        lambda: made.create_input_output_bindings([], [], None),
        lambda: PipelineStep.resolve_input_arguments([], [], [], {}),
    ):
        with pytest.raises(NotImplementedError, match="subclass PythonScriptStep"):
            call()
