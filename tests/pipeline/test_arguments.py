"""Arguments, params and pipeline parameters of steps."""

from __future__ import annotations

import datetime
import enum
from collections.abc import Callable
from decimal import Decimal
from pathlib import PurePosixPath

import numpy
import pytest

from airflow_ml.core import Workspace
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.data.dataset_consumption_config import DatasetConsumptionConfig
from airflow_ml.data.file_dataset import FileDataset
from airflow_ml.exceptions import GraphError
from airflow_ml.graph import InputPort, InputRef, OutputRef, Parameter, ParameterRef, ParameterSource
from airflow_ml.pipeline.core import OutputPortBinding, Pipeline, PipelineData, PipelineParameter, StepSequence
from airflow_ml.pipeline.steps import PythonScriptStep

MakeStep = Callable[..., PythonScriptStep]


@pytest.mark.parametrize(
    ("item", "text"),
    [
        ("a b", "a b"),
        ("", ""),
        (1, "1"),
        (0.1, "0.1"),
        (True, "True"),
        (None, "None"),
        ("$HOME/x", "$HOME/x"),
        (-5, "-5"),
    ],
)
def test_values_become_text(workspace: Workspace, step: MakeStep, item: object, text: str) -> None:
    """One item is one argv element, by Python's `str()`; blanks and signs survive."""
    assert Pipeline(workspace, step("a", arguments=[item])).graph.steps[0].arguments == ((text,),)


@pytest.mark.parametrize("item", [["a"], {"a": 1}, {1}, object(), b"a", 1j])
def test_other_values_are_refused(step: MakeStep, item: object) -> None:
    """What is no text and no data raises TypeError (a ValueError too), naming step, value and type."""
    with pytest.raises(TypeError, match=r"step 'a': argument .* cannot be text") as caught:
        step("a", arguments=[item])
    assert isinstance(caught.value, GraphError)


def test_variables_inside_text_stay(workspace: Workspace, step: MakeStep) -> None:
    """Data inside an f-string is the variable's name, which the run expands."""
    data = PipelineData("d")
    step("a", outputs=[data])

    graph = Pipeline(workspace, step("b", inputs=[data], arguments=[f"dataset.path={data}", f"${data.name}"])).graph

    assert graph.step("b").arguments == (("dataset.path=$AZUREML_DATAREFERENCE_d",), ("$d",))


def test_text_names_params(workspace: Workspace, step: MakeStep) -> None:
    """`parameter:NAME` of an entry of `params` is its value; of anything else it is text."""
    made = step(
        "a",
        arguments=["parameter:lr", "parameter:n", "parameter:other", "parameter:", "x parameter:n"],
        params={"lr": PipelineParameter("rate", 0.1), "n": 5},
    )

    (node,) = Pipeline(workspace, made).graph.steps

    assert node.arguments == (
        (ParameterRef("rate"),),
        ("5",),
        ("parameter:other",),
        ("parameter:",),
        ("x parameter:n",),
    )
    assert node.params == {"lr": (ParameterRef("rate"),), "n": ("5",)}


def test_parameters_in_arguments_are_params_too(workspace: Workspace, step: MakeStep) -> None:
    """The script finds a parameter of its arguments as `AML_PARAMETER_<name>` as well, as in v1."""
    lr = PipelineParameter("lr", 0.1)

    (node,) = Pipeline(workspace, step("a", arguments=["--lr", lr], params={"lr": lr, "x": 1})).graph.steps

    assert node.arguments == (("--lr",), (ParameterRef("lr"),))
    assert node.params == {"lr": (ParameterRef("lr"),), "x": ("1",)}


def test_parameter_and_param_of_one_name_are_refused(workspace: Workspace, step: MakeStep) -> None:
    """A name in `params` that means something else than the parameter of the arguments is a mistake."""
    made = step("a", arguments=[PipelineParameter("lr", 0.1)], params={"lr": 5})

    with pytest.raises(GraphError, match=r"params\['lr'\] is something else"):
        Pipeline(workspace, made)


@pytest.mark.parametrize("value", [[1], {"a": 1}, object()])
def test_params_are_text(workspace: Workspace, step: MakeStep, value: object) -> None:
    """A value of `params` that cannot be text raises TypeError."""
    with pytest.raises(TypeError, match=r"params\['p'\]"):
        Pipeline(workspace, step("a", params={"p": value}))


def test_kinds_follow_defaults(workspace: Workspace, store: AzureBlobDatastore, dataset: FileDataset) -> None:
    """The default fixes the kind; data is written as text, a dataset without a name by its definition."""
    declared = [
        PipelineParameter("p", value).to_declaration()
        for value in ("x", "", None, 5, True, 0.5, DataPath(store, "a b"), dataset)
    ]

    assert declared == [
        Parameter("p", "string", "x"),
        Parameter("p", "string", ""),
        Parameter("p", "string", None),
        Parameter("p", "integer", 5),
        Parameter("p", "boolean", True),
        Parameter("p", "number", 0.5),
        Parameter("p", "datapath", "datastore://store/a b"),
        Parameter("p", "dataset", None, dataset.source),
    ]


@pytest.mark.parametrize("default", [[], {}, (), object(), b"x", DataPathComputeBinding()])
def test_other_defaults_are_refused(default: object) -> None:
    """A default of another type raises ValueError at once."""
    with pytest.raises(ValueError, match="parameter 'p': a default of type"):
        PipelineParameter("p", default)


@pytest.mark.parametrize("name", ["", None, 5])
def test_parameters_need_names(name: object) -> None:
    """A parameter is named, because forms and REST bodies name it."""
    with pytest.raises(ValueError, match="parameter: name"):
        PipelineParameter(name, 1)  # type: ignore[arg-type]  # what is tested


def test_equal_defaults_are_one_parameter(workspace: Workspace, store: AzureBlobDatastore, step: MakeStep) -> None:
    """Two objects of one name are the same parameter if their defaults are equal, of whatever kind."""
    steps = [
        step(
            name,
            arguments=[PipelineParameter("n", 1)],
            inputs=[(PipelineParameter("d", DataPath(store, "x")), DataPathComputeBinding())],
        )
        for name in ("a", "b")
    ]

    names = [parameter.name for parameter in Pipeline(workspace, steps).graph.parameters]
    assert names == ["n", "d"]


@pytest.mark.parametrize(("one", "other"), [(1, 2), (1, True), (1, 1.0), ("1", 1), (None, "")])
@pytest.mark.parametrize("in_one_step", [True, False])
def test_two_defaults_are_refused(
    workspace: Workspace, step: MakeStep, one: object, other: object, in_one_step: bool
) -> None:
    """One name with two defaults raises ValueError that shows both."""
    first, second = PipelineParameter("p", one), PipelineParameter("p", other)
    if in_one_step:
        steps = [step("a", arguments=[first, second])]
    else:
        steps = [step("a", arguments=[first]), step("b", params={"x": second})]

    with pytest.raises(ValueError, match="'p'") as caught:
        Pipeline(workspace, steps)
    assert repr(one) in str(caught.value)
    assert repr(other) in str(caught.value)


def test_datapath_pairs_are_inputs(workspace: Workspace, store: AzureBlobDatastore, step: MakeStep) -> None:
    """A (parameter, binding) pair is an input named as the parameter; an equal pair is the same input."""

    def pair() -> tuple[PipelineParameter, DataPathComputeBinding]:
        return (PipelineParameter("where", DataPath(store, "a")), DataPathComputeBinding("download", "/x", True))

    graph = Pipeline(workspace, step("a", inputs=[pair()], arguments=["--in", pair()])).graph

    assert graph.steps[0].inputs == (InputPort("where", ParameterSource("where"), "download", "/x", overwrite=True),)
    assert graph.steps[0].arguments == (("--in",), (InputRef("where"),))
    assert graph.parameters == (Parameter("where", "datapath", "datastore://store/a"),)


def test_wrong_pairs_are_refused(store: AzureBlobDatastore, step: MakeStep) -> None:
    """A tuple is a datapath parameter and its binding, mounted or downloaded."""
    datapath, text = PipelineParameter("p", DataPath(store, "a")), PipelineParameter("p", "a")
    binding = DataPathComputeBinding()

    for wrong in ((datapath,), (datapath, "mount"), (text, binding), (binding, datapath), (datapath, binding, 1)):
        with pytest.raises(ValueError, match="step 'a'"):
            step("a", inputs=[wrong])
    with pytest.raises(ValueError, match="mode 'upload'"):
        step("a", inputs=[(datapath, DataPathComputeBinding("upload"))])


def test_dataset_parameters_are_inputs(workspace: Workspace, dataset: FileDataset, step: MakeStep) -> None:
    """A dataset parameter in a configuration is read as the run says."""
    parameter = PipelineParameter("data", dataset)
    config = DatasetConsumptionConfig("i", parameter).as_mount()

    graph = Pipeline(workspace, step("a", inputs=[config], arguments=[config])).graph

    assert graph.steps[0].inputs == (InputPort("i", ParameterSource("data"), "mount"),)
    assert graph.parameters == (Parameter("data", "dataset", None, dataset.source),)


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (PurePosixPath("/a/b"), "/a/b"),
        (numpy.int64(5), "5"),
        (numpy.float32(0.5), "0.5"),
        (numpy.bool_(True), "True"),
        (Decimal("1.50"), "1.50"),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        (Colour.RED, "Colour.RED"),
    ],
)
def test_values_that_say_something_are_text(workspace: Workspace, step: MakeStep, value: object, text: str) -> None:
    """Paths, dates and numbers of numpy are passed by `str()`, as arguments and as params (v1 rule)."""
    made = Pipeline(workspace, step("a", arguments=[value], params={"p": value})).graph.step("a")

    assert made.arguments == ((text,),)
    assert made.params == {"p": (text,)}


def test_values_that_nobody_meant_are_refused(workspace: Workspace, step: MakeStep) -> None:
    """Containers, functions, and objects of the package that carry no data are errors instead of odd text."""
    for value in (["x"], {"x": 1}, {1}, frozenset([1]), print, object(), workspace):
        with pytest.raises(TypeError, match="cannot be text"):
            step("a", arguments=[value])


def test_explicit_outputs_stand_in_the_arguments(workspace: Workspace, step: MakeStep) -> None:
    """An OutputPortBinding among the outputs is its path; one that is not listed is an error, as in v1."""
    written = OutputPortBinding("o", output_name="on")

    made = Pipeline(workspace, step("a", outputs=[written], arguments=[written])).graph.step("a")

    assert made.arguments == ((OutputRef("on"),),)
    with pytest.raises(ValueError, match="'o' stands in the arguments but not in the outputs"):
        step("b", arguments=[written])


def test_names_in_the_place_of_objects_are_refused(workspace: Workspace, step: MakeStep) -> None:
    """A datastore's name, no workspace and a step without brackets say what is expected."""
    for make, words in (
        (lambda: step("a", outputs=[PipelineData("d", datastore="store")]), "output 'd': datastore 'store'"),
        (lambda: Pipeline(workspace, step("a"), default_datastore="store"), "default_datastore 'store'"),
        (lambda: Pipeline(None, step("a")), "None is no workspace"),
        (lambda: StepSequence(step("a")), "put the steps into brackets"),
    ):
        with pytest.raises(ValueError, match=words):
            make()
