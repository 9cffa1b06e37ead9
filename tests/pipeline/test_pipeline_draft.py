"""Drafts of pipelines as v1 code sees them; one of them is run with the REST endpoints' tests."""

from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from airflow_ml.core import Experiment, Workspace
from airflow_ml.exceptions import GraphError, NotSupportedError, UserErrorException
from airflow_ml.pipeline.core import Pipeline, PipelineDraft, PipelineParameter, PublishedPipeline
from airflow_ml.pipeline.steps import PythonScriptStep

MakeStep = Callable[..., PythonScriptStep]


@pytest.fixture
def pipeline(workspace: Workspace, step: MakeStep) -> Pipeline:
    """A pipeline of one step with one parameter."""
    return Pipeline(workspace, step("first", arguments=[PipelineParameter("rate", 1)]), description="p")


def test_a_draft_keeps_what_was_said(pipeline: Pipeline, workspace: Workspace) -> None:
    """The object has v1's properties, and is found again by its id and its tags, without the folder."""
    draft = PipelineDraft.create(
        workspace,
        pipeline,
        name="d",
        description="text",
        experiment_name="helloworld",
        continue_on_step_failure=True,
        tags={"dev": "true"},
        properties={"train": "value"},
    )
    shutil.rmtree("src")

    (listed,) = PipelineDraft.list(workspace, tags={"dev": "true"})
    for one in (draft, PipelineDraft.get(workspace, draft.id), listed):
        assert (one.id, one.name, one.description) == (draft.id, "d", "text")
        assert (one.tags, one.properties) == ({"dev": "true"}, {"train": "value"})
        assert (one.parent_pipeline_id, one.parent_pipeline_run_id, one.parent_pipeline_draft_id) == (None,) * 3
        assert (one.parent_step_run_ids, one.last_submitted_pipeline_run_id) == ([], None)
    assert [step.name for step in draft.get_graph().steps] == ["first"]
    assert PipelineDraft.list(workspace, tags={"dev": "false"}) == []
    assert repr(draft) == f"PipelineDraft(Name: d,\nId: {draft.id})"


def test_a_draft_can_be_made_from_others(pipeline: Pipeline, workspace: Workspace) -> None:
    """It knows what it was made from, and takes over what was said of it."""
    published = pipeline.publish("pub", continue_on_step_failure=True)

    first = PipelineDraft.create(workspace, published, pipeline_parameters={"rate": 7})
    second = PipelineDraft.create(workspace, first, name="clone")

    assert (first.name, first.parent_pipeline_id) == ("pub", published.id)
    assert (second.name, second.parent_pipeline_draft_id, second.parent_pipeline_id) == ("clone", first.id, None)
    assert second._record().content.parameters == {"rate": 7}
    assert second._record().content.continue_on_step_failure is True


def test_a_draft_is_changed(pipeline: Pipeline, workspace: Workspace, step: MakeStep) -> None:
    """What is not given stays; other objects see it when they ask."""
    draft = PipelineDraft.create(workspace, pipeline, name="d", experiment_name="e", pipeline_parameters={"rate": 2})
    other = PipelineDraft.get(workspace, draft.id)
    new = Pipeline(workspace, step("second", arguments=[PipelineParameter("rate", 1)]))

    draft.update(name="n", description="x", pipeline=new, pipeline_parameters={"rate": 3}, tags={"t": "1"})

    assert (draft.name, draft.description, draft.tags) == ("n", "x", {"t": "1"})
    assert [step.name for step in other.get_graph().steps] == ["second"]
    assert other._record().content.parameters == {"rate": 3}
    assert other._record().content.experiment == "e"


def test_values_become_the_defaults_of_what_is_published(pipeline: Pipeline, workspace: Workspace) -> None:
    """A draft that is published stays one, and can be published again."""
    draft = PipelineDraft.create(workspace, pipeline, name="d", description="text", pipeline_parameters={"rate": 5})

    published = draft.publish()

    assert (published.name, published.description, published.status) == ("d", "text", "Active")
    assert published.get_graph().parameter("rate").default == 5
    assert [one.id for one in PublishedPipeline.list(workspace)] == [published.id]
    draft.delete()
    with pytest.raises(UserErrorException, match=r"does not exist; PipelineDraft\.list"):
        draft.publish()


def test_what_is_wrong_keeps_no_draft(pipeline: Pipeline, workspace: Workspace, step: MakeStep) -> None:
    """Parameters, the kind of object and the workspace are looked at first."""
    with pytest.raises(UserErrorException, match="no parameter 'x'; it declares: rate"):
        PipelineDraft.create(workspace, pipeline, pipeline_parameters={"x": 1})
    with pytest.raises(UserErrorException, match="experiment 'a/b': a name has"):
        PipelineDraft.create(workspace, pipeline, experiment_name="a/b")
    with pytest.raises(GraphError, match="3 is no pipeline; give a Pipeline"):
        PipelineDraft.create(workspace, 3)  # type: ignore[arg-type]
    with pytest.raises(UserErrorException, match="of workspace 'ml', the draft of 'other'"):
        PipelineDraft.create(Workspace("subscription", "group", "other"), pipeline)
    assert PipelineDraft.list(workspace) == []
    draft = PipelineDraft.create(workspace, pipeline, pipeline_parameters={"rate": 2})
    with pytest.raises(UserErrorException, match="no parameter 'rate'; it declares: none"):
        draft.update(pipeline=Pipeline(workspace, step("other")))


def test_a_run_needs_an_experiment(pipeline: Pipeline, workspace: Workspace) -> None:
    """Without one nothing is started, and arguments that submit does not know are refused."""
    draft = PipelineDraft.create(workspace, pipeline)

    with pytest.raises(UserErrorException, match=r"'p' .* names no experiment; give it one"):
        draft.submit_run()
    with pytest.raises(ValueError, match="unknown argument 'pipeline_parameters'"):
        Experiment(workspace, "e").submit(draft, pipeline_parameters={})
    with pytest.raises(NotSupportedError, match="parent_run_id='r'"):
        Experiment(workspace, "e").submit(draft, parent_run_id="r")
