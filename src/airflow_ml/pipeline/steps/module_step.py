"""A step that runs a version of a registered module (`azureml.pipeline.steps.ModuleStep`)."""

from __future__ import annotations

from airflow_ml.exceptions import GraphError
from airflow_ml.graph import SourceSnapshot
from airflow_ml.pipeline.core._ports import bind_input
from airflow_ml.pipeline.core.builder import StepDefinition
from airflow_ml.pipeline.core.pipeline_data import PipelineData
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter
from airflow_ml.pipeline.core.port_bindings import InputPortBinding
from airflow_ml.pipeline.steps._run_configuration import compute_name, parameter_settings
from airflow_ml.pipeline.steps.python_script_step import PythonScriptStep

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from dataclasses import replace
    from typing import Any, cast

    from airflow_ml.core.compute.compute import ComputeTarget
    from airflow_ml.core.runconfig import RunConfiguration
    from airflow_ml.pipeline.core._definitions import InputPortDef, OutputPortDef
    from airflow_ml.pipeline.core.module import Module, ModuleVersion
else:
    from airflow_ml._records import replace
    from airflow_ml._typing import cast

__all__ = ["ModuleStep"]


class ModuleStep(PythonScriptStep):
    """
    Run a version of a registered module, as the PythonScriptStep that it describes.

    The version is looked up now, so a ModuleStep is for pipelines that are submitted, published or drafted; a DAG file
    asks nobody while it is parsed.

    Args:
        module: whose default version runs, or that of `version`; see `Module.resolve`.
        module_version: in the place of a module.
        inputs_map: data by the names of the version's inputs; only optional ones may be missing.
        outputs_map: PipelineData by the names of the version's outputs.
        arguments: of the script, naming the data objects of the two maps; default: those of the version.
        params: values for the script's environment, over those of the version.
        name: default: the module's.

    Raises:
        ValueError: not exactly one of module and version, or a map that does not fit the version's ports.
        UserErrorException: there is no such version, or it is disabled.
    """

    def __init__(
        self,
        module: Module | None = None,
        version: str | None = None,
        module_version: ModuleVersion | None = None,
        inputs_map: Mapping[str, object] | None = None,
        outputs_map: Mapping[str, object] | None = None,
        compute_target: ComputeTarget | str | tuple[str, str] | None = None,
        runconfig: RunConfiguration | None = None,
        runconfig_pipeline_params: Mapping[str, object] | None = None,
        arguments: Sequence[object] | None = None,
        params: Mapping[str, object] | None = None,
        name: str | None = None,
        _workflow_provider: object = None,
    ) -> None:
        chosen, owner = _chosen(module, version, module_version, name)
        chosen._check_usable(owner)
        definition, interface = chosen._definition, chosen.interface
        where = f"step {name or owner.name!r}"
        inputs = _inputs(dict(inputs_map or {}), interface.inputs, where)
        outputs = _outputs(dict(outputs_map or {}), interface.outputs, where)
        # A pipeline parameter in the arguments is a param too: it takes the place of a default of its name.
        named = {item.name for item in arguments or () if isinstance(item, PipelineParameter)}
        defaults = cast("Mapping[str, object]", definition["params"])
        all_params = {
            **{param: value for param, value in defaults.items() if param not in named},
            **(params or {}),
        }
        given = _defaults(definition, inputs, outputs, all_params) if arguments is None else list(arguments)
        super().__init__(
            str(definition["script"]),
            name or owner.name,
            [_bound(item, inputs, outputs) for item in given],
            compute_target,
            runconfig if runconfig is not None else chosen.runconfig,
            runconfig_pipeline_params,
            list(inputs.values()),
            list(outputs.values()),
            all_params,
        )
        self._given = replace(
            self._given,
            outputs=tuple(
                [
                    replace(bound, port=_named(bound.port, port))
                    for bound, port in zip(self._given.outputs, _mapped(outputs, interface.outputs), strict=True)
                ]
            ),
        )
        snapshot = cast("Mapping[str, Any]", definition["snapshot"])
        self._snapshot = SourceSnapshot(snapshot["id"], snapshot["properties"])

    def _define(self, default_source_directory: str | None, memo: dict[object, object]) -> StepDefinition:
        part = self._run_configuration_part(memo)
        return StepDefinition(
            kind="python_script",
            script=self._script,
            snapshot=self._snapshot,
            environment=part.environment,
            environment_variables=part.environment_variables,
            compute=compute_name(self.name, self._compute_target, self._runconfig),
            run_settings={**part.settings, **parameter_settings(self.name, self._runconfig_pipeline_params)},
        )


def _chosen(
    module: Module | None, version: str | None, module_version: ModuleVersion | None, name: str | None
) -> tuple[ModuleVersion, Module]:
    if (module is None) == (module_version is None):
        raise GraphError(f"step {name!r}: give either module or module_version")
    if module_version is not None:
        return module_version, module_version.module()
    assert module is not None
    return module.resolve(version), module


def _inputs(given: dict[str, object], ports: Sequence[InputPortDef], where: str) -> dict[str, InputPortBinding]:
    """Return the inputs by port, bound under the port's name."""
    _check_keys("inputs_map", given, [port.name for port in ports], where)
    bindings = {}
    for port in ports:
        if port.name in given:
            item = given[port.name]
            bound = bind_input(item, where=where)
            mode = (port.default_datastore_mode or bound.mode) if isinstance(item, PipelineData) else bound.mode
            bindings[port.name] = InputPortBinding(
                port.name,
                item,
                mode,
                bound.path_on_compute or port.default_path_on_compute,
                bound.overwrite or port.default_overwrite,
                bound.is_resource or port.is_resource,
            )
        elif not port.is_optional:
            raise GraphError(f"{where}: inputs_map has no {port.name!r}; give the data of that input")
    return bindings


def _outputs(given: dict[str, object], ports: Sequence[OutputPortDef], where: str) -> dict[str, object]:
    _check_keys("outputs_map", given, [port.name for port in ports], where)
    return {port.name: given[port.name] for port in ports if port.name in given}


def _check_keys(what: str, given: Mapping[str, object], names: Sequence[str], where: str) -> None:
    for key in given:
        if key not in names:
            raise GraphError(
                f"{where}: {what} names {key!r}, which is no port of the module's version; its ports are"
                f" {', '.join(names) or '(none)'}"
            )


def _defaults(
    definition: Mapping[str, Any],
    inputs: Mapping[str, InputPortBinding],
    outputs: Mapping[str, object],
    params: Mapping[str, object],
) -> list[object]:
    """Return the version's own arguments, with data in the place of ports; those of ports without data go."""
    items: list[object] = []
    for item in definition["arguments"]:
        if not isinstance(item, dict):
            items.append(item)
            continue
        ((kind, name),) = item.items()
        held: Mapping[str, object] = {"input": inputs, "output": outputs, "param": params}[kind]
        if name in held:
            items.append(held[name])
    return items


def _bound(item: object, inputs: Mapping[str, InputPortBinding], outputs: Mapping[str, object]) -> object:
    """Return the binding of an argument that is an input's data; an output's data means the output."""
    if any(item is output for output in outputs.values()):
        return item
    return next((binding for binding in inputs.values() if binding.bind_object is item), item)


def _mapped(outputs: Mapping[str, object], ports: Sequence[OutputPortDef]) -> list[OutputPortDef]:
    return [port for port in ports if port.name in outputs]


def _named(written: Any, port: OutputPortDef) -> Any:
    """Return an output under the port's name, with the port's datastore where the data names none."""
    return replace(written, name=port.name, datastore=written.datastore or port.default_datastore_name)
