"""
The twenty details that a sloppy re-implementation of the v1 SDK gets wrong, each with its test.

What shows in a run alone is tested in `test_twenty_details_in_runs.py`.

Where a later version of ours or a rule of our own decides, the test states today's rule and looks for its reason in
docs/compatibility.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from airflow_ml.core import Run, Workspace
from airflow_ml.data import FileDataset, OutputFileDatasetConfig
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.exceptions import (
    NotSupportedError,
    SnapshotException,
    UserErrorException,
)
from airflow_ml.graph import Graph, InputRef, OutputRef, ParameterSource, StepOutputSource
from airflow_ml.pipeline.core import (
    Pipeline,
    PipelineData,
    PipelineParameter,
    ReusePolicy,
    ScheduleRecurrence,
    StepSequence,
)
from airflow_ml.pipeline.core._values import parameter_values
from airflow_ml.pipeline.steps import ParallelRunConfig, ParallelRunStep, PythonScriptStep
from airflow_ml.snapshots.capture import hash_only

if TYPE_CHECKING:
    from collections.abc import Sequence

MakeStep = Callable[..., PythonScriptStep]
COMPATIBILITY = Path(__file__).parents[2] / "docs" / "compatibility.md"


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace that is never opened; the current folder has `src/run.py`."""
    monkeypatch.setenv("AIRFLOW_ML_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("AIRFLOW_ML_REGISTRY", raising=False)
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "run.py").touch()
    monkeypatch.chdir(tmp_path)
    return Workspace("subscription", "group", "ml")


@pytest.fixture
def store(workspace: Workspace) -> AzureBlobDatastore:
    """A datastore that is never opened."""
    return AzureBlobDatastore(workspace, "store", "container", "account")


@pytest.fixture
def dataset(workspace: Workspace) -> FileDataset:
    """A dataset that is never read."""
    return FileDataset._create({"kind": "file", "sources": [{"datastore": "store", "path": "raw/"}]}, workspace)


@pytest.fixture
def step(workspace: Workspace) -> MakeStep:
    """Return what makes steps of `src/run.py`."""
    return lambda name, **given: PythonScriptStep("run.py", name=name, source_directory="src", **given)


def edges(graph: Graph) -> dict[str, Sequence[str]]:
    """Return the steps that each step waits for."""
    return {node.id: node.upstream for node in graph.steps}


def reason(feature: str) -> str:
    """Return what docs/compatibility.md says about a feature."""
    for line in COMPATIBILITY.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 3 and feature in cells[1]:
            return f"{cells[2]}: {cells[3]}"
    raise AssertionError(f"docs/compatibility.md has no row about {feature}")


def test_detail_04_reuse_by_content(workspace: Workspace, dataset: FileDataset, step: MakeStep) -> None:
    """The graph has `allow_reuse` and a dataset's definition; its bytes count in the run, except by v1's rule."""
    v1s = ReusePolicy("definition")
    steps = [step("a", inputs=[dataset.as_named_input("i").as_mount()]), step("b", allow_reuse=False, reuse_policy=v1s)]

    graph = Pipeline(workspace, steps).graph

    assert [(node.allow_reuse, node.reuse.inputs) for node in graph.steps] == [(True, None), (False, "definition")]
    assert graph.step("a").input("i").source.definition == dataset.definition
    assert "data counts by its content" in reason("`allow_reuse`")


def test_detail_05_a_consumer_names_its_producers_output(workspace: Workspace, step: MakeStep) -> None:
    """An input says which output it is, not where it lies, so the result of an earlier run can take its place."""
    data = PipelineData("d", output_name="on")
    step("a", outputs=[data])

    graph = Pipeline(workspace, step("b", inputs=[data])).graph

    assert graph.step("b").input("d").source == StepOutputSource("a", "on")
    assert "equal byte for byte" in reason("a consumer whose producer ran again")


def test_detail_06_names_that_nobody_gave_are_stable(
    workspace: Workspace, store: AzureBlobDatastore, step: MakeStep
) -> None:
    """Objects made anew give an equal graph: v1's random names, which disabled reuse, are stable here."""

    def build() -> Graph:
        config, reference = OutputFileDatasetConfig(), store.path("some/path")
        reader = step("b", inputs=[reference], arguments=[config.as_input(), reference])
        return Pipeline(workspace, [step("a", arguments=[config]), reader]).graph

    assert OutputFileDatasetConfig().name != OutputFileDatasetConfig().name
    assert build() == build()
    assert "stable names" in reason("`OutputFileDatasetConfig`")


def test_detail_06_names_are_part_of_the_graph(workspace: Workspace, step: MakeStep) -> None:
    """Each gives another graph, though names, replaced defaults and order are not compared (in v1 they were)."""
    other = step("other")
    later = step("a")
    later.run_after(other)
    made = [
        *(step("a"), step("b"), step("a", arguments=["x"]), step("a", version="2"), later),
        *(step("a", arguments=[PipelineParameter("p", default)]) for default in (1, 2)),
    ]

    graphs = [Pipeline(workspace, [one, other]).graph for one in made]

    assert all(graphs.count(graph) == 1 for graph in graphs)
    assert "are not compared" in reason("names of steps")


def test_detail_07_ignore_files(tmp_path: Path) -> None:
    """`.amlignore` replaces `.gitignore`, counts itself, holds in the root alone; the limits apply to what is left."""
    files = {".gitignore": "*.txt\n", "a.txt": "", "run.py": "", "sub/.amlignore": "*\n", "sub/b.py": ""}
    for name, text in files.items():
        (tmp_path / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / name).write_text(text)

    def captured() -> set[str]:
        return {file.path for file in hash_only(tmp_path / "code").files}

    assert captured() == {".gitignore", "run.py", "sub/.amlignore", "sub/b.py"}
    (tmp_path / "code" / ".amlignore").write_text("run.py\n")
    assert captured() == {".amlignore", ".gitignore", "a.txt", "sub/.amlignore", "sub/b.py"}
    assert hash_only(tmp_path / "code", max_files=5)
    with pytest.raises(SnapshotException):
        hash_only(tmp_path / "code", max_files=4)
    assert "`.git` is never captured" in reason("`.amlignore`")


def test_detail_08_what_raises_where(workspace: Workspace, step: MakeStep, capsys) -> None:
    """`validate()` returns a list and finds cycles; all other mistakes raise in `Pipeline(...)`, none in the step."""
    one, two = step("one"), step("two")
    one.run_after(two)
    assert Pipeline(workspace, [one]).validate() == []
    assert capsys.readouterr().out.count(" is ready to be created [") == 2
    two.run_after(one)
    [problem] = Pipeline(workspace, [one]).validate()
    assert "cycle" in problem
    wrong = [
        PythonScriptStep("missing.py", source_directory="src"),
        step("a", inputs=[PipelineData("d")]),
        step("a", outputs=[PipelineData("d"), PipelineData("d")]),
    ]
    for made in wrong:
        with pytest.raises(ValueError, match="step "):
            Pipeline(workspace, [made])


def test_detail_08_unknown_compute(step: MakeStep) -> None:
    """A compute target that the workspace does not have raises in `Pipeline(...)`, not in the step."""
    real = Workspace.create("ml", show_output=False)
    made = step("a", compute_target="nowhere")

    with pytest.raises(ValueError, match="compute target 'nowhere' is not in workspace 'ml'"):
        Pipeline(real, [made])


def test_detail_09_order_comes_from_sequences_data_and_run_after(workspace: Workspace, step: MakeStep) -> None:
    """Nested lists order nothing, closure adds what is needed, and a late run_after does not count."""
    a, b, c, d = (step(name) for name in "abcd")

    assert edges(Pipeline(workspace, [[a, b], [c]]).graph) == {"a": (), "b": (), "c": ()}
    assert edges(Pipeline(workspace, StepSequence([[a, b], c])).graph) == {"a": (), "b": (), "c": ("a", "b")}
    built = Pipeline(workspace, [d])
    d.run_after(c)
    assert edges(built.graph) == {"d": ()}
    assert edges(Pipeline(workspace, [d]).graph) == {"c": (), "d": ("c",)}


def test_detail_12_methods_return_copies(workspace: Workspace, dataset: FileDataset, step: MakeStep) -> None:
    """`as_*`, `register_on_complete` and `read_*` leave the object alone; its copies are one output, one input."""
    config, named = OutputFileDatasetConfig("o"), dataset.as_named_input("n")
    copies = [config.as_upload(), config.register_on_complete("r"), config.read_delimited_files(), config.as_mount()]

    assert all(copy is not config for copy in copies)
    assert (config.mode, config.registration, config.transformations) == ("mount", None, None)
    assert (named.as_download() is not named, named.mode) == (True, "direct")
    for copy in copies:
        steps = [
            step("a", outputs=[copy]),
            step("b", inputs=[config.as_input("i"), named], arguments=[named.as_mount()]),
        ]
        graph = Pipeline(workspace, steps).graph
        assert graph.step("b").input("i").source == StepOutputSource("a", "o")
        assert [port.name for port in graph.step("b").inputs] == ["i", "n"]


def test_detail_13_what_is_added_to_inputs_and_outputs(
    workspace: Workspace, store: AzureBlobDatastore, dataset: FileDataset, step: MakeStep
) -> None:
    """Datasets, outputs and (here) PipelineData in the arguments alone are taken in; references must be listed."""
    config, data = OutputFileDatasetConfig("o"), PipelineData("d")

    node = Pipeline(workspace, step("a", arguments=[dataset.as_named_input("n"), config, data])).graph.step("a")

    assert node.arguments == ((InputRef("n"),), (OutputRef("o"),), (OutputRef("d"),))
    with pytest.raises(ValueError, match="in the arguments but not in the inputs"):
        step("a", arguments=[store.path("x")])
    assert "arguments alone are taken in" in reason("arguments: auto-adding")


def test_detail_14_a_colliding_input_is_renamed(workspace: Workspace, step: MakeStep) -> None:
    """A script step's input that is called like one of its outputs becomes `INPUT_<name>`."""
    read, written = PipelineData("d"), PipelineData("e", output_name="d")
    step("a", outputs=[read])

    node = Pipeline(workspace, step("b", inputs=[read], outputs=[written], arguments=[read])).graph.step("b")

    assert node.arguments == ((InputRef("INPUT_d"),),)


def test_detail_15_types_of_parameters(workspace: Workspace, step: MakeStep) -> None:
    """The default fixes the type; v1 took True for 1, which is refused here like unknown names."""
    parameters = [PipelineParameter("n", 1), PipelineParameter("b", True), PipelineParameter("s", "x")]
    graph = Pipeline(workspace, step("a", arguments=parameters)).graph

    assert [parameter.kind for parameter in graph.parameters] == ["integer", "boolean", "string"]
    assert parameter_values(graph, {"n": 2, "b": False, "s": "5"}, workspace) == {"n": 2, "b": False, "s": "5"}
    for wrong in ({"n": True}, {"b": 1}, {"n": "2"}, {"s": 5}, {"unknown": 1}):
        with pytest.raises(UserErrorException):
            parameter_values(graph, wrong, workspace)
    assert "`True` is not taken for a number" in reason("`PipelineParameter`")


def test_detail_16_the_pair_of_parameter_and_binding(
    workspace: Workspace, store: AzureBlobDatastore, step: MakeStep
) -> None:
    """One pair stands in inputs and arguments, and is one input that the parameter of the run names."""
    pair = (PipelineParameter("p", DataPath(store, "a/b")), DataPathComputeBinding())

    graph = Pipeline(workspace, step("a", inputs=[pair], arguments=[pair])).graph

    assert graph.step("a").arguments == ((InputRef("p"),),)
    assert graph.step("a").input("p").source == ParameterSource("p")
    assert graph.parameter("p").default == "datastore://store/a/b"
    values = parameter_values(graph, {"p": DataPath(store, "c")}, workspace)
    assert values == {"p": "datastore://store/c"}


def test_detail_17_parallel_run_steps_come_later() -> None:
    """Today ParallelRunConfig and ParallelRunStep can be imported, and say what to do when they are made."""
    for make in (
        lambda: ParallelRunConfig(None, "entry.py", 1, "append_row", None, 1),  # type: ignore[arg-type]
        lambda: ParallelRunStep("name", None, [], None),  # type: ignore[arg-type]
    ):
        with pytest.raises(NotSupportedError, match="ParallelRun"):
            make()


def test_detail_18_schedules() -> None:
    """Mistakes in a recurrence surface when it is checked, not when it is made; schedules are in tests/pipeline."""
    recurrence = ScheduleRecurrence("Often", 0)

    with pytest.raises(ValueError, match="frequency"):
        recurrence.validate()
    ScheduleRecurrence("Day", 1, hours=[6], minutes=[30]).validate()


def test_detail_20_the_context_elsewhere(workspace: Workspace) -> None:
    """Outside of a step the context is a stand-in: one per process, without experiment and inputs."""
    run = Run.get_context()

    assert run is Run.get_context()
    assert run.id.startswith("OfflineRun")
    for name in ("experiment", "input_datasets", "parent"):
        with pytest.raises(AttributeError):
            getattr(run, name)


def test_every_detail_has_its_test() -> None:
    """All twenty are here, or in the module of those that need a run."""
    texts = [path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_twenty_details*.py")]

    numbers = {int(number) for text in texts for number in re.findall(r"^def test_detail_(\d\d)_", text, re.MULTILINE)}

    assert numbers == set(range(1, 21))
