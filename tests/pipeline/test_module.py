"""Modules, their versions, and the steps that run them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from airflow_ml.core import RunConfiguration, Workspace
from airflow_ml.exceptions import GraphError, NotSupportedError, UserErrorException
from airflow_ml.graph import InputRef, OutputRef, ParameterRef, StepOutputSource
from airflow_ml.pipeline.core import Module, ModuleVersion, Pipeline, PipelineData, PipelineParameter
from airflow_ml.pipeline.core.graph import InputPortDef, OutputPortDef, ParamDef
from airflow_ml.pipeline.steps import ModuleStep

IN, OUT = InputPortDef("in1", default_datastore_mode="download"), OutputPortDef("out_sum", "workspaceblobstore")


@pytest.fixture
def module(workspace: Workspace) -> Module:
    """A module without versions."""
    return Module.create(workspace, "Add", "adds")


def publish(module: Module, version: str | None = None, **arguments: object) -> ModuleVersion:
    """Add a version that writes one output."""
    given = {"inputs": [], "outputs": [OUT], "source_directory": "src", **arguments}
    return module.publish_python_script("run.py", "text", version=version, **given)  # type: ignore[arg-type]


def test_a_module_is_found_by_name_and_id(module: Module, workspace: Workspace) -> None:
    """A name is taken once."""
    version = publish(module, "1", category="math", runconfig=RunConfiguration(), params={"n": 12})

    for found in (Module.get(workspace, name="Add"), Module.get(workspace, module.id)):
        assert (found.name, found.description, found.status, found.default_version) == ("Add", "adds", "Active", None)
    (descriptor,) = Module.get_versions(workspace, "Add")
    assert (descriptor.version, descriptor.module_version_id) == ("1", version.module_version_id)
    again = ModuleVersion.get(workspace, version.module_version_id)
    assert (again.version, again.description, again.category, again.status) == ("1", "text", "math", "Active")
    assert (again.module_id, again.module().name) == (module.id, "Add")
    assert isinstance(again.runconfig, RunConfiguration)
    assert [port.name for port in again.interface.outputs] == ["out_sum"]
    assert [(param.name, param.default_value) for param in again.interface.params] == [("n", 12)]
    with pytest.raises(ValueError, match="a module 'Add' exists"):
        Module.create(workspace, "Add", None)


def test_a_version_is_chosen_by_v1s_rule(module: Module) -> None:
    """The named one; the default; the highest of dotted numbers; the last one."""
    for version in ("1.10", "1.9"):
        publish(module, version)
    assert module.resolve().version == "1.10"
    publish(module, "best")
    publish(module, "1.1")
    assert module.resolve().version == "1.1"
    module.set_default_version("best")
    assert (module.resolve().version, module.get_default().version) == ("best", "best")
    assert module.resolve("1.9").version == "1.9"
    with pytest.raises(UserErrorException, match=r"no version '7'; its versions are 1\.10, 1\.9, best, 1\.1"):
        module.resolve("7")


def test_a_step_runs_the_code_of_its_version(module: Module, workspace: Workspace) -> None:
    """The graph names ports of the version and the snapshot of its code, though the folder is gone."""
    entry = publish(module, "1", params={"n": 12, "m": "x"})
    publish(module, "2", inputs=[IN], is_default=True)
    shutil.rmtree("src")
    first, second = PipelineData("sum_out"), PipelineData("end_sum")
    number = PipelineParameter("n", 17)

    ModuleStep(module_version=entry, outputs_map={"out_sum": first}, arguments=["--out", first, number], name="one")
    two = ModuleStep(
        module,
        inputs_map={"in1": first},
        outputs_map={"out_sum": second},
        arguments=["--in", first, "--out", second],
        runconfig=RunConfiguration(),
        compute_target=None,
    )
    steps = {step.name: step for step in Pipeline(workspace, [two]).graph.steps}

    assert steps["one"].outputs[0].name == "out_sum"
    assert steps["one"].arguments == (("--out",), (OutputRef("out_sum"),), (ParameterRef("n"),))
    assert steps["one"].params == {"n": (ParameterRef("n"),), "m": ("x",)}
    (port,) = steps["Add"].inputs
    assert (port.name, port.mode, port.source) == ("in1", "download", StepOutputSource("one", "out_sum"))
    assert steps["Add"].arguments == (("--in",), (InputRef("in1"),), ("--out",), (OutputRef("out_sum"),))
    snapshot = steps["one"].snapshot
    assert snapshot is not None
    assert snapshot == steps["Add"].snapshot
    assert [step.source_directory for step in steps.values()] == [None, None]
    assert Pipeline(workspace, [two]).publish("p").total_run_steps == 2


def test_a_versions_own_arguments_are_the_default(module: Module, workspace: Workspace) -> None:
    """Definitions of ports and parameters stand for what they are bound to; optional inputs may be missing."""
    optional = InputPortDef("extra", is_optional=True)
    arguments = ["--in", IN, optional, "--out", OUT, "--n", ParamDef("n")]
    version = publish(module, inputs=[IN, optional], arguments=arguments, params={"n": 3})
    data, out = PipelineData("d"), PipelineData("o")
    source = ModuleStep(module_version=publish(module), outputs_map={"out_sum": data}, name="source")

    step = ModuleStep(module_version=version, inputs_map={"in1": data}, outputs_map={"out_sum": out}, name="s")

    found = next(one for one in Pipeline(workspace, [source, step]).graph.steps if one.name == "s")
    assert found.arguments == (
        *(("--in",), (InputRef("in1"),)),
        *(("--out",), (OutputRef("out_sum"),)),
        *(("--n",), ("3",)),
    )
    assert version.version == "1"


def test_one_data_may_be_two_inputs(module: Module, workspace: Workspace) -> None:
    """Each port is an input of its own."""
    version = publish(module, inputs=[IN, InputPortDef("in2")])
    data = PipelineData("d")
    source = ModuleStep(module_version=publish(module), outputs_map={"out_sum": data}, name="source")

    step = ModuleStep(module_version=version, inputs_map={"in1": data, "in2": data}, name="s")

    found = next(one for one in Pipeline(workspace, [source, step]).graph.steps if one.name == "s")
    assert [port.name for port in found.inputs] == ["in1", "in2"]


def test_what_does_not_fit_is_said(module: Module) -> None:
    """Ports, the choice of a version, and what is disabled."""
    version = publish(module, inputs=[IN])

    for arguments, words in (
        ({}, "give either module or module_version"),
        ({"module": module, "module_version": version}, "give either module or module_version"),
        ({"module": module}, "inputs_map has no 'in1'"),
        ({"module": module, "inputs_map": {"x": 1}}, "inputs_map names 'x', which is no port .* its ports are in1"),
        (
            {"module": module, "inputs_map": {"in1": PipelineData("d")}, "outputs_map": {"y": 1}},
            "outputs_map names 'y'",
        ),
    ):
        with pytest.raises(GraphError, match=words):
            ModuleStep(**arguments)  # type: ignore[arg-type]
    version.deprecate()
    with pytest.warns(UserWarning, match="its version '1' is Deprecated"), pytest.raises(GraphError):
        ModuleStep(module)
    module.disable()
    with pytest.raises(UserErrorException, match="module 'Add': it is Disabled"):
        ModuleStep(module)


def test_what_is_no_version_is_not_kept(module: Module) -> None:
    """The script, ports and arguments are looked at first."""
    for arguments, error, words in (
        ({"source_directory": "none"}, GraphError, "source directory .* does not exist"),
        ({"inputs": ["x"]}, GraphError, "'x' is no InputPortDef"),
        ({"outputs": [OUT, OUT]}, GraphError, "port 'out_sum': give each port a name of its own"),
        ({"arguments": [PipelineData("d")]}, GraphError, "give text, a number, or the definition"),
        ({"params": {"a": [1]}}, GraphError, r"params\['a'\] is \[1\]"),
        ({"hash_paths": ["a"]}, NotSupportedError, "put the files into the source directory"),
    ):
        with pytest.raises(error, match=words):
            publish(module, **arguments)  # type: ignore[arg-type]
    assert module.module_version_list() == []
    with pytest.raises(NotSupportedError, match="use publish_python_script"):
        module.publish("d", "esCloud", [], [])


def test_names_and_texts_change(module: Module, workspace: Workspace) -> None:
    """Other objects see it when they ask; the code of a version never changes."""
    version = publish(module)
    module.set_name("Sum")
    module.set_description("new")
    module.deprecate()
    version.set_description("other")

    found = Module.get(workspace, name="Sum")
    assert (found.description, found.status) == ("new", "Deprecated")
    assert ModuleVersion.get(workspace, version.module_version_id).description == "other"
    module.enable()
    version.disable()
    version.enable()
    assert (module.status, version.status) == ("Active", "Active")
    assert Module.process_source_directory("m", "src", "run.py")[0] == str(Path.cwd() / "src")
    assert json.dumps(dict(version._definition))
