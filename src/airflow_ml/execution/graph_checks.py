"""What a graph names is looked up before its first step runs, so that what is wrong stops the run there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, cast

from airflow_ml.compute.gpu_limits import refuse_too_many_gpus
from airflow_ml.compute.targets import TargetSettings
from airflow_ml.exceptions import ComputeTargetException, UserErrorException
from airflow_ml.execution.distributed import layout_of
from airflow_ml.execution.launching import check_container
from airflow_ml.graph import (
    DatabaseSource,
    DataReferenceSource,
    DatasetSource,
    Graph,
    Json,
    Parameter,
    dataset_uri,
    parameter_source,
    resolve_parameters,
)

if TYPE_CHECKING:
    from airflow_ml.execution.distributed import Layout
    from airflow_ml.execution.services import Services
    from airflow_ml.registry import ComputeTargetRecord

__all__ = ["check_graph"]


def check_graph(
    services: Services, graph: Graph, given: Mapping[str, Json], *, is_dry: bool = False
) -> dict[str, Json]:
    """
    Look up what the graph names, apply what it declares, and return the values of its parameters.

    Args:
        given: values of parameters; defaults fill in the rest.
        is_dry: what the graph declares counts as being there, and is not made.

    Raises:
        UserErrorException: something that the graph or the parameters name is not there or not right.
    """
    parameters = resolve_parameters(graph, given)
    if not is_dry:
        _apply_declarations(services, graph)
    _check_names(services, graph, parameters, {item.name for item in graph.compute_declarations if is_dry})
    _find_datasets(services, graph, is_dry=is_dry)
    for parameter in graph.parameters:
        if parameter.kind in ("datapath", "dataset"):
            value = parameters[parameter.name]
            parameters[parameter.name] = _checked_data(services, parameter, value, is_dry=is_dry)
    return parameters


def _apply_declarations(services: Services, graph: Graph) -> None:
    """Create the compute targets that the DAG file created while it was parsed; those that exist are left alone."""
    for declaration in graph.compute_declarations:
        if services.registry.compute_targets.find(declaration.name) is None:
            services.registry.compute_targets.put(
                declaration.name, type=declaration.type, settings=declaration.settings
            )


def _check_names(services: Services, graph: Graph, parameters: Mapping[str, Json], declared: Collection[str]) -> None:
    # Asked for once: a pipeline of a thousand steps has a handful of computes.
    names = {step.compute for step in graph.steps if step.compute is not None}
    found = {name: services.registry.compute_targets.find(name) for name in names}
    for step in graph.steps:
        where = graph.title(step)
        if step.compute is not None and step.compute not in declared and found[step.compute] is None:
            known = ", ".join(sorted(item.name for item in services.registry.compute_targets.list())) or "none"
            raise ComputeTargetException(
                f"{where}: ComputeTargetNotFound: compute target {step.compute!r} is not in workspace"
                f" {services.registry.workspace.name!r}, which has: {known}; create it with ComputeTarget.create"
            )
        layout = layout_of(step, parameters, where)
        target = found.get(step.compute or "")
        if target is not None:
            _refuse_too_many_nodes(where, layout, target)
            refuse_too_many_gpus(where, step.settings.get("gpus"), target)
        check_container(step, target, where)
        if step.kind == "data_transfer" and target is not None and target.type != "DataFactory":
            raise ComputeTargetException(
                f"{where}: compute target {step.compute!r} is of type {target.type!r}; a DataTransferStep takes a"
                " DataFactoryCompute"
            )
        for port in step.inputs:
            if isinstance(port.source, DatabaseSource):
                _check_datastore(services.store.database, port.source.datastore, where)
        references = [port.source.datastore for port in step.inputs if isinstance(port.source, DataReferenceSource)]
        for name in [*references, *(port.datastore for port in step.outputs if port.datastore)]:
            _check_datastore(services.store.of_files, name, where)
        environment = step.environment or {}
        if environment.get("by_reference"):
            version = cast("str | None", environment.get("version"))
            try:
                services.registry.environments.get(str(environment["name"]), version)
            except UserErrorException as error:
                raise error.at(where) from error


def _refuse_too_many_nodes(where: str, layout: Layout | None, target: ComputeTargetRecord) -> None:
    """Refuse a step that would wait for nodes for ever: Airflow never starts a task that no pool has room for."""
    most = TargetSettings.read(target.name, target.type, target.settings).max_nodes
    if layout is not None and layout.nodes > most:
        raise ComputeTargetException(
            f"{where}: node_count is {layout.nodes}, and compute target {target.name!r} has max_nodes {most}; raise"
            " that, or take fewer nodes"
        )


def _check_datastore(find: Callable[[str], object], name: str, where: str) -> None:
    try:
        find(name)
    except UserErrorException as error:
        raise error.at(where) from error


def _find_datasets(services: Services, graph: Graph, *, is_dry: bool) -> None:
    """Give every dataset of the graph its id, and look up those that are named, as v1 does at submit."""
    for step in graph.steps:
        for port in step.inputs:
            if isinstance(port.source, DatasetSource):
                where = f"{graph.title(step)}: input {port.name!r}"
                _look_up(services, port.source, where, is_dry=is_dry)


def _look_up(
    services: Services, source: DatasetSource, where: str, *, is_dry: bool
) -> tuple[str | None, Mapping[str, Json]]:
    """Return a dataset's id and definition; one that has no name is saved, unless `is_dry`: then it has no id."""
    datasets = services.registry.datasets
    try:
        if source.name is not None:
            record = datasets.by_name(source.name, source.version)
        elif source.definition is not None and is_dry:
            return None, source.definition
        else:
            record = datasets.get(datasets.save(source.definition) if source.definition else str(source.saved_id))
    except UserErrorException as error:
        raise error.at(where) from error
    return record.id, record.definition


def _checked_data(services: Services, parameter: Parameter, value: Json, *, is_dry: bool) -> Json:
    """
    Look up what a parameter names, a datastore or a dataset of its default's kind (v1 rule), and return the value.

    A default dataset without a name is named by its id, so that the run's records say which data it took.
    """
    where = f"parameter {parameter.name!r}"
    source = parameter_source(parameter, value)
    if isinstance(source, DataReferenceSource):
        _check_datastore(services.store.of_files, source.datastore, where)
        return value
    dataset_id, definition = _look_up(services, source, where, is_dry=is_dry)
    kind = expected = definition["kind"]
    default = parameter_source(parameter, parameter.default)
    if isinstance(default, DatasetSource) and default != source:
        expected = _look_up(services, default, where, is_dry=is_dry)[1]["kind"]
    if kind != expected:
        raise UserErrorException(
            f"{where}: {value!r} is a dataset of kind {kind!r}, its default of kind {expected!r}; give a dataset of"
            " the default's kind"
        )
    return dataset_uri(DatasetSource(saved_id=dataset_id)) if value is None and dataset_id is not None else value
