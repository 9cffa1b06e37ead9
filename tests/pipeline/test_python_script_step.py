"""Script steps: names, ids, scripts and folders, run configurations, computes."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.core.runconfig import RunConfiguration
from airflow_ml.exceptions import GraphError, NotSupportedError
from airflow_ml.graph import ParameterRef
from airflow_ml.pipeline.core import Pipeline, PipelineParameter, PipelineStep
from airflow_ml.pipeline.steps import PythonScriptStep

MakeStep = Callable[..., PythonScriptStep]

ODD_NAMES = [
    "with blank",
    "žluť シ",
    "50%",
    "a#b",
    "a+b",
    "n" * 300,
    ".hidden",
    "a.b",
    "-x-",
    "😀",
    "run.py",
    "a/b\\c",
    "_",
    "\n",
]


def test_script_name_is_the_default_name(workspace: Workspace) -> None:
    """A step without a name is called as its script; its id has no suffix."""
    (node,) = Pipeline(workspace, PythonScriptStep("run.py", source_directory="src")).graph.steps

    assert (node.name, node.id, node.script) == ("run.py", "run", "run.py")


@pytest.mark.parametrize("script", ["", None, 5])
def test_script_is_needed(script: object) -> None:
    """A step without a script raises ValueError at once."""
    with pytest.raises(ValueError, match="script_name"):
        PythonScriptStep(script)  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("name", [" ", "", None, 5])
def test_steps_need_names(name: object) -> None:
    """A step's name is text with something in it."""
    with pytest.raises(ValueError, match="step: name"):
        PipelineStep(name, None, None)  # type: ignore[arg-type]  # what is tested


@pytest.mark.parametrize("name", [name for name in ODD_NAMES if name.strip()])
def test_odd_names_give_task_ids(workspace: Workspace, step: MakeStep, name: str) -> None:
    """Whatever a step is called, its id is one that Airflow takes, with room for a task group's; the name stays."""
    (node,) = Pipeline(workspace, step(name)).graph.steps

    assert node.name == name
    assert re.fullmatch(r"[\w-]{1,120}", node.id)


def test_equal_names_are_numbered(workspace: Workspace, step: MakeStep) -> None:
    """Ids are unique also where names repeat, differ in signs only, or look like numbered ones."""
    names = ["a b", "a b", "a_b_2", "a%b", "n" * 300, "n" * 299]

    made = [node.id for node in Pipeline(workspace, [step(name) for name in names]).graph.steps]

    assert made[:4] == ["a_b", "a_b_2", "a_b_2_2", "a_b_3"]
    assert len(set(made)) == len(made)


def test_ids_of_our_own_tasks_are_taken(workspace: Workspace, step: MakeStep) -> None:
    """Steps called as the tasks that every pipeline has get other ids."""
    made = Pipeline(workspace, [step("reuse_check"), step("pipeline_end")]).graph.steps

    assert [node.id for node in made] == ["reuse_check_2", "pipeline_end_2"]


def test_missing_script_raises_in_the_pipeline(workspace: Workspace, folder: Path) -> None:
    """The step's constructor takes it; `Pipeline` raises ValueError with the step and the absolute path."""
    made = PythonScriptStep("missing.py", name="s", source_directory="src")

    with pytest.raises(ValueError, match=re.escape(f"step 's': script not found at '{folder}/src/missing.py'")):
        Pipeline(workspace, made)


def test_missing_folder_raises_in_the_pipeline(workspace: Workspace, folder: Path) -> None:
    """A source directory that is not there is named, with the script that was looked for."""
    made = PythonScriptStep("run.py", name="s", source_directory="nowhere")

    with pytest.raises(ValueError, match=re.escape(f"'{folder}/nowhere' does not exist")) as caught:
        Pipeline(workspace, made)
    assert f"{folder}/nowhere/run.py" in str(caught.value)


def test_folder_is_no_script(workspace: Workspace) -> None:
    """A script is a file."""
    with pytest.raises(ValueError, match="script not found"):
        Pipeline(workspace, PythonScriptStep("src", source_directory="."))


@pytest.mark.parametrize("script", ["../run.py", "/etc/hostname", "a/../../run.py"])
def test_script_lies_in_its_folder(workspace: Workspace, folder: Path, script: str) -> None:
    """A script outside of the source directory would not be in the snapshot."""
    (folder / "run.py").touch()

    with pytest.raises(ValueError, match="outside of the source directory"):
        Pipeline(workspace, PythonScriptStep(script, source_directory="src"))


@pytest.mark.parametrize(
    ("source", "script", "stored"),
    [
        ("src", "run.py", ("src", "run.py")),
        ("./src/", "./run.py", ("src", "run.py")),
        (".", "src/run.py", (".", "src/run.py")),
        (None, "src/run.py", (".", "src/run.py")),
        ("../work/src", "run.py", ("../work/src", "run.py")),
        ("{folder}/src", "run.py", ("src", "run.py")),
        ("{folder}/src", "{folder}/src/run.py", ("src", "run.py")),
        ("{outside}", "run.py", ("{outside}", "run.py")),
    ],
)
def test_folders_are_relative_to_the_pipelines(
    workspace: Workspace, folder: Path, source: str | None, script: str, stored: tuple[str, str]
) -> None:
    """What is given relative, or lies below the base, is relative in the graph; the rest is absolute."""
    outside = folder.parent / "outside"
    outside.mkdir()
    (outside / "run.py").touch()
    places = {"folder": str(folder), "outside": str(outside)}

    made = PythonScriptStep(script.format(**places), source_directory=source and source.format(**places))
    graph = Pipeline(workspace, made).graph

    assert graph.base_directory == str(folder)
    assert (graph.steps[0].source_directory, graph.steps[0].script) == (stored[0].format(**places), stored[1])


def test_pipelines_folder_is_the_default(workspace: Workspace) -> None:
    """A step without a source directory takes the pipeline's."""
    steps = [PythonScriptStep("run.py"), PythonScriptStep("src/run.py", source_directory=".")]

    nodes = Pipeline(workspace, steps, default_source_directory="src").graph.steps

    assert [node.source_directory for node in nodes] == ["src", "."]


def test_fresh_run_configuration_changes_nothing(workspace: Workspace, step: MakeStep) -> None:
    """A run configuration at its defaults is as good as none."""
    assert Pipeline(workspace, step("a", runconfig=RunConfiguration())).graph == Pipeline(workspace, step("a")).graph


def test_run_configuration_reaches_the_graph(workspace: Workspace, step: MakeStep) -> None:
    """Settings that differ from v1's defaults, environment and variables are written down."""
    config = RunConfiguration(framework="PyTorch", communicator="Nccl")
    config.node_count = 2
    config.mpi.process_count_per_node = 3
    config.docker.use_docker = True
    config.environment.python.conda_dependencies.add_pip_package("tqdm")
    config.environment_variables = {"A": "1"}
    parameters = {"NodeCount": PipelineParameter("nodes", 4)}

    graph = Pipeline(workspace, step("a", runconfig=config, runconfig_pipeline_params=parameters)).graph

    assert graph.steps[0].run_settings == {
        "node_count": ParameterRef("nodes"),
        "framework": "PyTorch",
        "communicator": "Nccl",
        "process_count_per_node": 3,
        "use_docker": True,
    }
    assert graph.steps[0].environment == config.environment_definition()
    assert graph.steps[0].environment_variables == {"A": "1"}
    assert [parameter.name for parameter in graph.parameters] == ["nodes"]


def test_configuration_may_change_between_pipelines(workspace: Workspace, step: MakeStep) -> None:
    """One configuration shared by steps is read when a pipeline is built, and again for the next one."""
    config = RunConfiguration()
    steps = [step("a", runconfig=config), step("b", runconfig=config)]
    before = Pipeline(workspace, steps).graph
    config.node_count = 2
    after = Pipeline(workspace, steps).graph

    assert [node.run_settings for node in (*before.steps, *after.steps)] == [
        {},
        {},
        {"node_count": 2},
        {"node_count": 2},
    ]


def test_configuration_without_meaning_is_refused(workspace: Workspace, step: MakeStep) -> None:
    """A part of a run configuration that has no effect here raises, naming the step."""
    config = RunConfiguration()
    config.priority = 5

    with pytest.raises(NotSupportedError, match=r"step 'a': .*priority"):
        Pipeline(workspace, step("a", runconfig=config))


@pytest.mark.parametrize(("key", "value"), [("Nodes", PipelineParameter("n", 1)), ("NodeCount", 2)])
def test_wrong_parameters_of_configurations_are_refused(
    workspace: Workspace, step: MakeStep, key: str, value: object
) -> None:
    """Only v1's keys, and only parameters as values."""
    with pytest.raises(GraphError, match=f"step 'a': runconfig_pipeline_params.*{key}"):
        Pipeline(workspace, step("a", runconfig_pipeline_params={key: value}))


def test_local_is_no_target(workspace: Workspace, step: MakeStep) -> None:
    """Pipelines never ran on `local`; a run configuration's default target means none."""
    assert Pipeline(workspace, step("a", runconfig=RunConfiguration())).graph.steps[0].compute is None
    with pytest.raises(ValueError, match="'local' is not for pipelines"):
        Pipeline(workspace, step("a", compute_target="local"))


@pytest.mark.parametrize("target", ["", 5, (), object()])
def test_target_is_a_name_or_an_object(workspace: Workspace, step: MakeStep, target: object) -> None:
    """Anything else raises ValueError naming the step."""
    with pytest.raises(ValueError, match="step 'a': compute target"):
        Pipeline(workspace, step("a", compute_target=target))


@pytest.mark.parametrize("name", ["runconfig", "params", "runconfig_pipeline_params"])
def test_arguments_of_a_wrong_type_are_named(step: MakeStep, name: str) -> None:
    """A run configuration that is none and a mapping that is none raise where the step is made, as in v1."""
    with pytest.raises(GraphError, match=f"step 'a': {name} 5"):
        step("a", **{name: 5})
