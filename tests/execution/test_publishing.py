"""What is kept of a published pipeline."""

import shutil
from dataclasses import replace

import pytest

from airflow_ml.exceptions import ComputeTargetException, UserErrorException
from airflow_ml.execution.pipelines import Opening, open_pipeline
from airflow_ml.execution.publishing import Publication, graph_to_run, publish, publish_run
from airflow_ml.execution.services import Services
from airflow_ml.graph import Graph, Step, WorkspaceRef
from airflow_ml.pipeline.core import Pipeline


@pytest.fixture
def graph(script, workspace) -> Graph:
    """Build the graph of a pipeline of one step."""
    return Pipeline(workspace, [script("print(1)")]).graph


def open_run(services: Services, graph: Graph, number: int = 1):
    """Record a run of the graph."""
    return open_pipeline(services, graph, Opening("e", dag_id="d", dag_run_id=str(number)))


def test_a_published_graph_names_snapshots(services, graph):
    """The stored graph has no path in it; its runs get the code of the publishing, though the folder is gone."""
    published = publish(services, graph, Publication("p", "d", "1", True))
    before = open_run(services, graph)
    shutil.rmtree("src")
    _, stored = graph_to_run(services.registry, published.id)

    run = open_run(services, stored, 2)

    assert (stored.base_directory, stored.steps[0].source_directory) == (None, None)
    assert run.details["snapshots"] == before.details["snapshots"]
    assert (published.name, published.steps, published.continue_on_step_failure) == ("p", 1, True)


def test_a_run_is_published_with_the_code_that_ran(services, graph, script):
    """What the folder holds later does not count."""
    run = open_run(services, graph)
    script("print(2)")

    _, stored = graph_to_run(services.registry, publish_run(services, run, Publication("p")).id)

    assert stored.steps[0].snapshot.id == run.details["snapshots"]["step"]["id"]


def test_a_run_of_a_published_pipeline_can_be_published(services, graph):
    """Its graph names snapshots already, and is the same graph."""
    first = publish(services, graph, Publication("p"))
    run = open_run(services, graph_to_run(services.registry, first.id)[1])

    assert publish_run(services, run, Publication("again")).graph_id == first.graph_id


def test_a_run_of_operators_written_by_hand_is_not_published(services, graph):
    """It has no graph of the whole pipeline."""
    run = open_pipeline(services, graph, Opening("e", dag_id="d", dag_run_id="1", is_complete=False))

    with pytest.raises(UserErrorException, match=f"run {run.id}: it has no graph"):
        publish_run(services, run, Publication("p"))


def test_what_is_not_there_stops_the_publishing(services):
    """Names are looked up as a submit does, and nothing is published."""
    graph = Graph("p", WorkspaceRef("w"), (Step("s", "s", "python_script", compute="nowhere"),))

    with pytest.raises(ComputeTargetException, match="step 's': ComputeTargetNotFound"):
        publish(services, graph, Publication("p"))
    assert services.registry.published_pipelines.list() == []


def test_without_a_name_it_has_the_graphs(services, graph):
    """v1 takes no name too."""
    assert publish(services, graph, Publication()).name == graph.name


def test_a_version_may_be_a_number(services, graph):
    """It is kept as text, as v1 did."""
    assert publish(services, graph, Publication("p", version=0.1)).version == "0.1"


def test_a_disabled_one_takes_no_runs(services, graph):
    """The sentence says its name and what to do."""
    published = publish(services, graph, Publication("p"))
    services.registry.published_pipelines.set_active(published.id, active=False)

    with pytest.raises(UserErrorException, match=rf"'p' \({published.id}\) is Disabled and takes no runs; enable it"):
        graph_to_run(services.registry, published.id)


def test_a_snapshot_of_another_workspace_is_named(services, graph):
    """A graph that was carried to where its code is not says so before its first step."""
    published = publish(services, graph, Publication("p"))
    _, stored = graph_to_run(services.registry, published.id)
    [step] = stored.steps
    foreign = replace(stored, steps=(replace(step, snapshot=replace(step.snapshot, id="5a")),))

    with pytest.raises(UserErrorException, match="step 'step': snapshot '5a' of its code is not in workspace 'w'"):
        open_run(services, foreign)
