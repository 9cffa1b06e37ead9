"""What a graph names is looked up before its first step runs, so that what is wrong stops the run there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import ComputeTargetException, NotSupportedError, UserErrorException
from airflow_ml.graph import (
    DataReferenceSource,
    DatasetSource,
    Graph,
    Json,
    Parameter,
    ParameterRef,
    Step,
    dataset_uri,
    parameter_source,
    resolve_parameters,
)

if TYPE_CHECKING:
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import DatasetRecord

__all__ = ["check_graph"]


def check_graph(services: Services, graph: Graph, given: Mapping[str, Json]) -> dict[str, Json]:
    """
    Look up what the graph names, apply what it declares, and return the values of its parameters.

    Args:
        given: values of parameters; defaults fill in the rest.

    Raises:
        UserErrorException: something that the graph or the parameters name is not there or not right.
    """
    parameters = resolve_parameters(graph, given)
    _apply_declarations(services, graph)
    _check_names(services, graph, parameters)
    _save_datasets(services, graph)
    for parameter in graph.parameters:
        if parameter.kind in ("datapath", "dataset"):
            parameters[parameter.name] = _checked_data(services, parameter, parameters[parameter.name])
    return parameters


def _apply_declarations(services: Services, graph: Graph) -> None:
    """Create the compute targets that the DAG file created while it was parsed; those that exist are left alone."""
    for declaration in graph.compute_declarations:
        if services.registry.compute_targets.find(declaration.name) is None:
            services.registry.compute_targets.put(
                declaration.name, type=declaration.type, settings=declaration.settings
            )


def _check_names(services: Services, graph: Graph, parameters: Mapping[str, Json]) -> None:
    for step in graph.steps:
        where = graph.title(step)
        if step.compute is not None and services.registry.compute_targets.find(step.compute) is None:
            known = ", ".join(sorted(item.name for item in services.registry.compute_targets.list())) or "none"
            raise ComputeTargetException(
                f"{where}: ComputeTargetNotFound: compute target {step.compute!r} is not in workspace"
                f" {services.registry.workspace.name!r}, which has: {known}; create it with ComputeTarget.create"
            )
        _refuse_distributed(step, where, parameters)
        references = [port.source.datastore for port in step.inputs if isinstance(port.source, DataReferenceSource)]
        for name in [*references, *(port.datastore for port in step.outputs if port.datastore)]:
            _check_datastore(services, name, where)
        environment = step.environment or {}
        if environment.get("by_reference"):
            version = cast("str | None", environment.get("version"))
            try:
                services.registry.environments.get(str(environment["name"]), version)
            except UserErrorException as error:
                raise error.at(where) from error


def _refuse_distributed(step: Step, where: str, parameters: Mapping[str, Json]) -> None:
    """Refuse what one process on one machine cannot do, instead of doing less than was asked for."""
    nodes = step.run_settings.get("node_count", 1)
    nodes = parameters[nodes.name] if isinstance(nodes, ParameterRef) else nodes
    communicator = step.run_settings.get("communicator")
    if nodes != 1 or communicator is not None:
        raise NotSupportedError(
            f"{where}: node_count {nodes!r} with communicator {communicator!r} asks for a distributed run, which is not"
            " available; use one node without a communicator"
        )


def _check_datastore(services: Services, name: str, where: str) -> None:
    try:
        services.store(name)
    except UserErrorException as error:
        raise error.at(where) from error


def _save_datasets(services: Services, graph: Graph) -> None:
    """Give every dataset of the graph its id, and look up those that are named, as v1 does at submit."""
    for step in graph.steps:
        for port in step.inputs:
            if isinstance(port.source, DatasetSource):
                _look_up(services, port.source, f"{graph.title(step)}: input {port.name!r}")


def _look_up(services: Services, source: DatasetSource, where: str) -> DatasetRecord:
    """Find a dataset, or save the one that has no name."""
    datasets = services.registry.datasets
    try:
        if source.name is not None:
            return datasets.by_name(source.name, source.version)
        return datasets.get(datasets.save(source.definition) if source.definition else str(source.saved_id))
    except UserErrorException as error:
        raise error.at(where) from error


def _checked_data(services: Services, parameter: Parameter, value: Json) -> Json:
    """
    Look up what a parameter names, a datastore or a dataset of its default's kind (v1 rule), and return the value.

    A default dataset without a name is named by its id, so that the run's records say which data it took.
    """
    where = f"parameter {parameter.name!r}"
    source = parameter_source(parameter, value)
    if isinstance(source, DataReferenceSource):
        _check_datastore(services, source.datastore, where)
        return value
    dataset = _look_up(services, source, where)
    kind = expected = dataset.definition["kind"]
    default = parameter_source(parameter, parameter.default)
    if isinstance(default, DatasetSource) and default != source:
        expected = _look_up(services, default, where).definition["kind"]
    if kind != expected:
        raise UserErrorException(
            f"{where}: {value!r} is a dataset of kind {kind!r}, its default of kind {expected!r}; give a dataset of"
            " the default's kind"
        )
    return dataset_uri(DatasetSource(saved_id=dataset.id)) if value is None else value
