"""Pipeline endpoints as v1 code sees them; runs of them are tested with the REST endpoints."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from airflow_ml.core import Workspace
from airflow_ml.core._submission import check_submittable
from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.pipeline.core import Pipeline, PipelineEndpoint, PublishedPipeline
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.translation import rest_server

MakeStep = Callable[..., PythonScriptStep]


@pytest.fixture
def pipeline(workspace: Workspace, step: MakeStep) -> Pipeline:
    """A pipeline of one step."""
    return Pipeline(workspace, step("first"))


@pytest.fixture
def endpoint(pipeline: Pipeline, workspace: Workspace) -> PipelineEndpoint:
    """An endpoint with one version."""
    return PipelineEndpoint.publish(workspace, "e", "text", pipeline)


def test_an_endpoint_begins_with_version_0(endpoint: PipelineEndpoint, workspace: Workspace) -> None:
    """A pipeline is published for it, and it is found again by name and id."""
    (published,) = PublishedPipeline.list(workspace)

    for one in (endpoint, PipelineEndpoint.get(workspace, name="e"), PipelineEndpoint.get(workspace, endpoint.id)):
        assert (one.name, one.description, one.status, one.default_version) == ("e", "text", "Active", "0")
        assert [(each.version, each.pipeline.id) for each in one.pipeline_version_list] == [("0", published.id)]
    assert (published.name, published.description) == ("e", "text")
    assert endpoint.get_pipeline().id == endpoint.get_pipeline("0").id == published.id


def test_a_name_is_taken_once(endpoint: PipelineEndpoint, pipeline: Pipeline, workspace: Workspace) -> None:
    """A second endpoint of the name is a ValueError (v1), and nothing is published for it."""
    with pytest.raises(ValueError, match=r"pipeline endpoint 'e' exists; add a version"):
        PipelineEndpoint.publish(workspace, "e", None, pipeline)

    assert len(PublishedPipeline.list(workspace)) == 1


def test_versions_are_added_and_chosen(endpoint: PipelineEndpoint, pipeline: Pipeline, workspace: Workspace) -> None:
    """`add` keeps the default and `add_default` moves it; each object sees what others did when it asks."""
    other = PipelineEndpoint.get(workspace, name="e")
    second = pipeline.publish("second")

    endpoint.add(second)
    assert (endpoint.default_version, other.get_default_version()) == ("0", "0")
    endpoint.set_default(second)
    assert other.get_default_version() == "1"
    endpoint.add_default(pipeline)
    assert [one.version for one in other.list_versions()] == ["0", "1", "2"]
    assert (other.default_version, endpoint.get_default_version()) == ("2", "2")
    endpoint.set_default_version("0")
    assert other.get_pipeline().name == "e"
    assert [one.id for one in other.list_pipelines()][1] == second.id


def test_what_is_no_version_is_named(endpoint: PipelineEndpoint, pipeline: Pipeline) -> None:
    """Adding a version twice and choosing another pipeline are ValueErrors (v1), which say what there is."""
    with pytest.raises(ValueError, match="is its version '0' already"):
        endpoint.add(endpoint.get_pipeline())
    with pytest.raises(ValueError, match="is none of its versions; use add_default"):
        endpoint.set_default(pipeline.publish("other"))
    for ask in (endpoint.get_pipeline, endpoint.set_default_version):
        with pytest.raises(UserErrorException, match="no version '7'; its versions are 0"):
            ask("7")
    with pytest.raises(ValueError, match="3 is no pipeline"):
        endpoint.add(3)  # type: ignore[arg-type]


def test_disabled_versions_are_left_out(endpoint: PipelineEndpoint) -> None:
    """`list_pipelines` shows them when they are wanted."""
    endpoint.get_pipeline().disable()

    assert endpoint.list_pipelines() == []
    assert [one.status for one in endpoint.get_all_pipelines(active_only=False)] == ["Disabled"]


def test_a_disabled_endpoint_takes_no_runs(endpoint: PipelineEndpoint, workspace: Workspace) -> None:
    """The sentence names it, though another object disabled it; an archived one is as good as gone."""
    other = PipelineEndpoint.get(workspace, endpoint.id)
    other.disable()

    with pytest.raises(UserErrorException, match=r"pipeline endpoint 'e' .* is Disabled and takes no runs; enable it"):
        endpoint.submit("x")
    other.archive()
    assert PipelineEndpoint.list(workspace) == []
    with pytest.raises(UserErrorException, match="'e' does not exist"):
        PipelineEndpoint.get(workspace, name="e")
    other.reactivate("f")
    assert PipelineEndpoint.get(workspace, name="f").id == endpoint.id


def test_another_version_cannot_be_started(endpoint: PipelineEndpoint) -> None:
    """A version that is not there, and arguments that submit does not know, start nothing."""
    with pytest.raises(UserErrorException, match="no version '7'"):
        endpoint.submit("x", pipeline_version="7")
    with pytest.raises(NotSupportedError, match="parent_run_id='r' is not supported"):
        endpoint.submit("x", parent_run_id="r")
    with pytest.raises(NotSupportedError, match="not below another"):
        check_submittable(endpoint, where="run 'r'", is_child=True)


def test_lists_are_in_the_order_in_which_they_were_made(pipeline: Pipeline, workspace: Workspace) -> None:
    """`list` stops at its limit, `get_all` does not."""
    for name in "zam":
        PipelineEndpoint.publish(workspace, name, None, pipeline)

    assert [one.name for one in PipelineEndpoint.list(workspace, max_results=2)] == ["z", "a"]
    assert [one.name for one in PipelineEndpoint.get_all(workspace)] == ["z", "a", "m"]
    with pytest.raises(UserErrorException, match="neither id nor name"):
        PipelineEndpoint.get(workspace)


def test_it_is_shown_as_v1_does(endpoint: PipelineEndpoint) -> None:
    """Name, id, status and address; cutting the address at `Id` gives what goes before a name (official notebook)."""
    endpoint.set_name("<e>")
    address = endpoint.endpoint

    assert repr(endpoint) == (f"PipelineEndpoint(Name: <e>,\nId: {endpoint.id},\nStatus: Active,\nEndpoint: {address})")
    assert "&lt;e&gt;" in endpoint._repr_html_()
    assert address.split("Id", 1)[0].endswith("/workspaces/ml/PipelineRuns/PipelineEndpointSubmit/")
    assert endpoint.swaggerurl == f"{address.partition('/pipelines/')[0]}/pipelines/v1.0/openapi.json"
    rest_server.stop()
