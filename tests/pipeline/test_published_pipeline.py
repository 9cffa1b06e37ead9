"""Published pipelines as v1 code sees them; runs of them are tested with the REST endpoints."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from airflow_ml.core import Experiment, Workspace
from airflow_ml.core._submission import check_submittable
from airflow_ml.exceptions import GraphError, NotSupportedError, UserErrorException
from airflow_ml.pipeline.core import Pipeline, PipelineParameter, PublishedPipeline
from airflow_ml.pipeline.core.graph import PublishedPipeline as FromGraph
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.translation import rest_server

MakeStep = Callable[..., PythonScriptStep]


@pytest.fixture
def pipeline(workspace: Workspace, step: MakeStep) -> Pipeline:
    """A pipeline of two steps in a row."""
    first, second = step("first"), step("second", arguments=[PipelineParameter("rate", 1)])
    second.run_after(first)
    return Pipeline(workspace, second)


def test_publishing_keeps_what_was_said(pipeline: Pipeline, workspace: Workspace) -> None:
    """The object has v1's properties, and is found again by its id."""
    published = pipeline.publish("name", "text", "0.1", continue_on_step_failure=True)

    found = PublishedPipeline.get(workspace, published.id)
    for one in (published, found):
        assert (one.name, one.description, one.version, one.status) == ("name", "text", "0.1", "Active")
        assert (one.total_run_steps, one.continue_on_step_failure) == (2, True)
    assert (found.id, found.graph_id, found.workspace) == (published.id, published.graph_id, workspace)
    assert FromGraph is PublishedPipeline


def test_everything_about_it_is_optional(pipeline: Pipeline) -> None:
    """v1 publishes without a word too."""
    published = pipeline.publish()

    assert (published.name, published.description, published.version) == ("pipeline", None, None)
    assert published.continue_on_step_failure is None


def test_lists_are_in_the_order_of_publishing(pipeline: Pipeline, workspace: Workspace) -> None:
    """Disabled ones are left out unless they are wanted."""
    first, second = pipeline.publish("z"), pipeline.publish("a")
    third = pipeline.publish("m")
    second.disable()

    assert [one.id for one in PublishedPipeline.list(workspace)] == [first.id, third.id]
    assert [one.name for one in PublishedPipeline.get_all(workspace, active_only=False)] == ["z", "a", "m"]
    assert second.status == "Disabled"
    second.enable()
    assert PublishedPipeline.get(workspace, second.id).status == second.status == "Active"


def test_an_unknown_id_is_named(workspace: Workspace) -> None:
    """The error says where to look for those that there are."""
    with pytest.raises(UserErrorException, match=r"published pipeline 'x' does not exist; PublishedPipeline\.list"):
        PublishedPipeline.get(workspace, "x")


def test_its_graph_needs_no_folder(pipeline: Pipeline, tmp_path: Path, workspace: Workspace) -> None:
    """Steps and parameters are there when the source directory is gone; the file of `save` is read again."""
    published = pipeline.publish("my/name")
    shutil.rmtree("src")

    published.save(str(tmp_path))

    assert published.get_step_names() == ["first", "second"]
    assert [parameter.name for parameter in published.get_graph().parameters] == ["rate"]
    again = Pipeline.load_yaml(workspace, str(tmp_path / "my_name.yml"))
    assert again.graph == published.get_graph()
    assert again.publish("again").graph_id == published.graph_id


def test_a_cycle_is_refused(workspace: Workspace, step: MakeStep) -> None:
    """Publishing raises what submit raises."""
    first, second = step("first"), step("second")
    first.run_after(second)
    second.run_after(first)

    with pytest.raises(GraphError, match="cycle"):
        Pipeline(workspace, [first, second]).publish("p")
    assert PublishedPipeline.list(workspace) == []


def test_it_is_shown_as_v1_does(pipeline: Pipeline) -> None:
    """Name, id, status and the address, as text and as a table."""
    published = pipeline.publish("<p>")
    path = f"/workspaces/ml/PipelineRuns/PipelineSubmit/{published.id}"

    shown = repr(published)

    assert shown.startswith(f"Pipeline(Name: <p>,\nId: {published.id},\nStatus: Active,\nEndpoint: http://127.0.0.1:")
    assert shown.endswith(f"{path})")
    assert "&lt;p&gt;" in published._repr_html_()
    assert path in published._repr_html_()
    rest_server.stop()


def test_a_disabled_one_takes_no_runs(pipeline: Pipeline, workspace: Workspace) -> None:
    """The sentence names it and says what to do, though another object disabled it."""
    published = pipeline.publish("p")
    PublishedPipeline.get(workspace, published.id).disable()

    with pytest.raises(UserErrorException, match=r"'p' .* is Disabled and takes no runs; enable it"):
        published.submit(workspace, "e")


def test_what_submit_does_not_know_is_refused(pipeline: Pipeline, workspace: Workspace) -> None:
    """The rules are those of submitting a pipeline."""
    published = pipeline.publish("p")

    with pytest.raises(UserErrorException, match="no parameter 'other'; it declares: rate"):
        published.submit(workspace, "e", {"other": 1})
    with pytest.raises(NotSupportedError, match="parent_run_id='x' is not supported"):
        published.submit(workspace, "e", parent_run_id="x")
    with pytest.raises(ValueError, match="unknown argument 'other'"):
        Experiment(workspace, "e").submit(published, other=1)
    with pytest.raises(UserErrorException, match="of workspace 'other', the published pipeline of 'ml'"):
        published.submit(Workspace("subscription", "group", "other"), "e")


def test_its_run_is_below_no_other(pipeline: Pipeline) -> None:
    """`Run.submit_child` refuses it as it refuses a pipeline."""
    with pytest.raises(NotSupportedError, match="run 'r': a pipeline's run is not below another"):
        check_submittable(pipeline.publish("p"), where="run 'r'", is_child=True)
