"""
What building a v1 pipeline gives, case by case, from the table `facts.json`.

The table is data: objects to make and calls to make on them, and what the v1 SDK gave for it (`v1`): nodes, ports,
edges, argument tokens, parameters, or where which type of error was raised. Where we differ on purpose a case has
`ours` too, and `row`, the line of docs/compatibility.md that says why. This module is the table's interpreter.

In a case, `$x` is the object named x, `$x.m` its attribute, `{"tuple": [...]}` a tuple and `{"text": [format, ...]}` a
string into which objects are formatted. `*` stands for a name that nobody gave: random in v1, numbered here.
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.core.compute import AmlCompute, ComputeTarget
from airflow_ml.data import FileDataset, TabularDataset
from airflow_ml.data.azure_storage_datastore import AzureBlobDatastore
from airflow_ml.graph import (
    DataReferenceSource,
    DatasetSource,
    Graph,
    InputRef,
    OutputRef,
    Parameter,
    ParameterSource,
    Step,
    StepOutputSource,
    resolve_parameters,
)
from airflow_ml.pipeline.core import Pipeline
from airflow_ml.pipeline.core._values import parameter_values

CASES = json.loads(Path(__file__).with_name("facts.json").read_text(encoding="utf-8"))
COMPATIBILITY = Path(__file__).parents[2] / "docs" / "compatibility.md"

MODULES = {
    "DataPath": "data.datapath",
    "DataPathComputeBinding": "data.datapath",
    "DataReference": "data.data_reference",
    "DatasetConsumptionConfig": "data.dataset_consumption_config",
    "OutputFileDatasetConfig": "data",
    "PythonScriptStep": "pipeline.steps",
    "RunConfiguration": "core.runconfig",
}
ERRORS = {name: getattr(__import__("builtins"), name) for name in ("Exception", "NotImplementedError", "TypeError")}
ERRORS |= {
    "ValueError": ValueError,
    "UserErrorException": importlib.import_module("airflow_ml.exceptions").UserErrorException,
}
#: Names that nobody gave.
UNNAMED = re.compile(r"(input|output)__?[0-9a-f]{1,8}")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """One workspace with the compute target `cpu` for the whole table; the current folder has `src/run.py`."""
    folder = tmp_path_factory.mktemp("facts")
    (folder / "src").mkdir()
    (folder / "src" / "run.py").write_text("print('hello')\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW_ML_HOME", str(folder / "home"))
        patch.delenv("AIRFLOW_ML_REGISTRY", raising=False)
        patch.chdir(folder)
        made = Workspace.create("ml", show_output=False)
        ComputeTarget.create(made, "cpu", AmlCompute.provisioning_configuration("STANDARD_D2_V2", max_nodes=1))
        yield made


class Bench:
    """Makes the objects of one case."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        store = workspace.get_default_datastore()
        self.objects: dict[str, object] = {"store": AzureBlobDatastore(workspace, "store", "container", "account")}
        for name, made in (("raw", FileDataset), ("other", FileDataset), ("table", TabularDataset)):
            kind = "tabular" if made is TabularDataset else "file"
            definition = {"kind": kind, "sources": [{"datastore": store.name, "path": f"{name}/"}]}
            self.objects[name] = made._create(definition, workspace)

    def value(self, item: object) -> object:
        """Return what an item of the table stands for."""
        if isinstance(item, str) and item.startswith("$"):
            name, *attributes = item[1:].split(".")
            value = self.objects[name]
            for attribute in attributes:
                value = getattr(value, attribute)
            return value
        if isinstance(item, list):
            return [self.value(inner) for inner in item]
        if isinstance(item, dict) and set(item) == {"tuple"}:
            return tuple(self.value(inner) for inner in item["tuple"])
        if isinstance(item, dict) and set(item) == {"text"}:
            return str(item["text"][0]).format(*[self.value(inner) for inner in item["text"][1:]])
        if isinstance(item, dict):
            return {key: self.value(inner) for key, inner in item.items()}
        return item

    def make(self, name: str, target: str, arguments: Sequence = (), keywords: Mapping | None = None) -> None:
        """Make one object, or call a method."""
        if target.startswith("$"):
            made = self.value(target)
        else:
            module = MODULES.get(target, "pipeline.core")
            made = getattr(importlib.import_module(f"airflow_ml.{module}"), target)
        self.objects[name] = made(*self.value(list(arguments)), **self.value(dict(keywords or {})))


def evaluate(case: Mapping, bench: Bench) -> dict:
    """Return what the case gives, in the table's form; a failure as `raises` with the place and the exception."""
    name = ""
    try:
        for name, target, *given in case["objects"]:
            bench.make(name, target, *given)
    except Exception as error:  # noqa: BLE001 - the table says which one it must be
        return {"raises": [name, error]}
    found: dict = {}
    if "texts" in case:
        found["texts"] = {name: str(bench.value(name)) for name in case["texts"]}
    if "values" in case:
        found["values"] = {name: bench.value(name) for name in case["values"]}
    return {**found, **_built(case, bench)} if "pipeline" in case else found


def _built(case: Mapping, bench: Bench) -> dict:
    try:
        pipeline = Pipeline(bench.workspace, **bench.value(case["pipeline"]))
    except Exception as error:  # noqa: BLE001 - the table says which one it must be
        return {"raises": ["Pipeline", error]}
    for name, target, *given in case.get("after", []):
        bench.make(name, target, *given)
    found = describe(pipeline.graph, bench)
    problems = pipeline.validate()
    if problems:
        found["problems"] = len(problems)
    if "submit" in case:
        values = bench.value(case["submit"])
        try:
            resolve_parameters(pipeline.graph, parameter_values(pipeline.graph, values, bench.workspace))
        except Exception:  # noqa: BLE001 - what submit itself raises is what counts
            with pytest.raises(Exception) as caught:  # noqa: PT011 - the table says which one it must be
                pipeline.submit("e", values)
            found["raises"] = ["submit", caught.value]
        else:
            found["submit"] = "ok"
    return found


def describe(graph: Graph, bench: Bench) -> dict:
    """Return a graph in the table's form."""
    found: dict = {"nodes": sorted((_node(step, graph, bench) for step in graph.steps), key=lambda node: node["name"])}
    parameters = {parameter.name: _default(parameter, bench) for parameter in graph.parameters}
    return {**found, "parameters": parameters} if parameters else found


def _node(step: Step, graph: Graph, bench: Bench) -> dict:
    ports = {port.name: port.pipeline_output_name for port in step.outputs if port.pipeline_output_name}
    node = {
        "name": step.name,
        "inputs": {_star(port.name): [port.mode, _source(port.source, graph, bench)] for port in step.inputs},
        "outputs": {_star(port.name): port.mode for port in step.outputs},
        "pipeline_outputs": ports,
        "arguments": [_token(argument) for argument in step.arguments],
        "after": sorted(graph.step(other).name for other in step.after),
        "params": {name: _token(value) for name, value in step.params.items()},
        "compute": step.compute,
    }
    return {key: value for key, value in node.items() if value}


def _token(argument: tuple) -> object:
    (part,) = argument
    if isinstance(part, str):
        return part
    if isinstance(part, InputRef):
        return {"input": _star(part.port)}
    return {"output": _star(part.port)} if isinstance(part, OutputRef) else {"parameter": part.name}


def _source(source: object, graph: Graph, bench: Bench) -> str:
    if isinstance(source, StepOutputSource):
        return f"step {graph.step(source.step).name}.{_star(source.output)}"
    if isinstance(source, DataReferenceSource):
        return f"reference {source.path}"
    if isinstance(source, ParameterSource):
        return f"parameter {source.parameter}"
    return _dataset(source, bench)


def _dataset(source: DatasetSource | None, bench: Bench) -> str:
    return next(f"dataset {name}" for name in ("raw", "other", "table") if bench.objects[name].source == source)


def _default(parameter: Parameter, bench: Bench) -> object:
    if parameter.kind == "datapath":
        return "DataPath"
    return _dataset(parameter.default_dataset, bench) if parameter.kind == "dataset" else parameter.default


def _star(name: str) -> str:
    return "*" if UNNAMED.fullmatch(name) else name


@pytest.mark.filterwarnings("ignore:.*hash_paths names:DeprecationWarning")
@pytest.mark.parametrize("case", CASES, ids=[f"{case['rule']}-{case['case']}" for case in CASES])
def test_a_fact(case: Mapping, workspace: Workspace) -> None:
    """A v1 pipeline gives here what it gave in v1, or what the case and docs/compatibility.md say instead."""
    expected = dict(case.get("ours", case["v1"]))

    found = evaluate(case, Bench(workspace))

    raised = found.pop("raises", None)
    place, kind = expected.pop("raises", (None, None))
    if raised is not None:
        assert kind is not None, f"{raised[0]} raised {raised[1]!r}"
        assert raised[0] == place
        assert isinstance(raised[1], ERRORS[kind])
        assert str(raised[1]), "an error without a sentence"
    else:
        assert kind is None, f"{place} did not raise {kind}; it gave {found}"
    assert found == expected


def test_every_deviation_has_a_reason() -> None:
    """A case in which we differ names a row of docs/compatibility.md, and no other case does."""
    lines = COMPATIBILITY.read_text(encoding="utf-8").splitlines()
    rows = [line.split("|")[1].strip() for line in lines if "|" in line]

    for case in CASES:
        assert ("ours" in case) == ("row" in case), case["case"]
        assert case.get("row") is None or case["row"] in rows, f"{case['case']}: no row {case['row']!r}"


def test_every_numbered_rule_of_building_has_a_case() -> None:
    """The table covers building (2.1) and arguments (2.2) rule by rule, and data and parameters (2.4 to 2.8)."""
    rules = {case["rule"] for case in CASES}

    # 2.1.11 (lists are not changed) and 2.2.9 (the script's folder) are no facts about graphs.
    assert {f"2.1.{number}" for number in range(1, 15) if number != 11} <= rules
    assert {f"2.2.{number}" for number in range(1, 9)} <= rules
    assert {"2.4", "2.5", "2.6", "2.7", "2.8"} <= rules
    assert len(CASES) >= 80
