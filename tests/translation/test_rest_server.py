"""Published pipelines started by REST without a service: the caller's own process answers."""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_ml.core import Experiment, Workspace
from airflow_ml.core.authentication import InteractiveLoginAuthentication, MsiAuthentication
from airflow_ml.data.datapath import DataPath, DataPathComputeBinding
from airflow_ml.pipeline.core import Pipeline, PipelineEndpoint, PipelineParameter, PipelineRun, PublishedPipeline
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.translation import rest_server

#: Nothing on this machine is asked through a proxy.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@pytest.fixture
def workspace(project: Path) -> Iterator[Workspace]:
    """Create a workspace in a home of the test's own, and end the server of the test."""
    yield Workspace.create("w", subscription_id="s", resource_group="g", show_output=False)
    rest_server.stop()


@pytest.fixture
def published(workspace: Workspace) -> PublishedPipeline:
    """Publish the pipeline of the official notebook: a text and a data path as parameters of one step."""
    Path("src").mkdir()
    Path("src", "train.py").write_text("import sys; print('got', sys.argv[1:])")
    text = PipelineParameter("input_string", "sample_string1")
    place = PipelineParameter("input_datapath", DataPath(workspace.get_default_datastore(), "sample_datapath1"))
    pair = (place, DataPathComputeBinding(mode="mount"))
    step = PythonScriptStep("train.py", "train", [text, pair], inputs=[pair], source_directory="src")
    return Pipeline(workspace, [step]).publish("p", "d", continue_on_step_failure=True)


def post(address: str, body: object, header: dict[str, str] | None = None) -> tuple[int, dict]:
    """Post a body and return status and document; with this process's token unless another header is given."""
    if header is None:
        header = InteractiveLoginAuthentication().get_authentication_header()
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {**header, "Content-Type": "application/json"})
    try:
        with OPENER.open(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.airflow
def test_the_last_cells_of_the_official_notebook(published: PublishedPipeline, workspace: Workspace) -> None:
    """A POST starts a run of the published code, which is found by experiment and id, and by the pipeline's id."""
    shutil.rmtree("src")
    status, answer = post(
        published.endpoint,
        {
            "ExperimentName": "MyRestPipeline",
            "RunSource": "SDK",
            "DataPathAssignments": {
                "input_datapath": {"DataStoreName": "workspaceblobstore", "RelativePath": "sample_datapath3"}
            },
            "ParameterAssignments": {"input_string": "sample_string3"},
            "Tags": {"a": "b"},
            "Reuse": "Off",
        },
    )
    by_sdk = Experiment(workspace, "e").submit(published, pipeline_parameters={"input_string": "s"}, tags={"c": "d"})
    run = PipelineRun(workspace.experiments["MyRestPipeline"], answer["Id"])

    assert status == 200
    assert run.wait_for_completion(show_output=False) == "Finished"
    assert by_sdk.wait_for_completion(show_output=False) == "Finished"
    assert "got ['sample_string3', '/" in next(run.get_steps()).get_stdout_log()
    assert json.loads(run.properties["azureml.parameters"])["input_datapath"].endswith("store/sample_datapath3")
    assert PipelineRun.get_pipeline_runs(workspace, published.id) == [by_sdk, run]
    assert [(one.tags, one.properties["runType"]) for one in (run, by_sdk)] == [
        ({"a": "b"}, "HTTP"),
        ({"c": "d"}, "SDK"),
    ]
    assert run._record.details["continue_on_step_failure"] is True
    assert [one._record.details["reuse"] for one in (run, by_sdk)] == ["off", "normal"]


def test_the_address_has_v1s_form(published: PublishedPipeline) -> None:
    """It is of this machine alone, and the same one for every pipeline of the process."""
    base, slash, path = published.endpoint.partition("/pipelines/v1.0/")

    assert base.startswith("http://127.0.0.1:")
    assert slash + path == (
        "/pipelines/v1.0/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w"
        f"/PipelineRuns/PipelineSubmit/{published.id}"
    )
    assert published.endpoint.startswith(base)


def test_without_the_token_nothing_is_started(published: PublishedPipeline, workspace: Workspace) -> None:
    """No header, another scheme and another token are answered alike."""
    token = rest_server.token()
    for header in ({}, {"Authorization": f"Basic {token}"}, {"Authorization": "Bearer x"}, {"Authorization": token}):
        status, answer = post(published.endpoint, {"ExperimentName": "e"}, header)
        assert (status, answer["error"]["code"]) == (401, "Unauthorized")
        assert token not in str(answer)
    assert list(workspace.experiments) == []


def test_every_login_gives_the_same_header(workspace: Workspace) -> None:
    """The header holds the token of this process."""
    header = MsiAuthentication().get_authentication_header()

    assert header == InteractiveLoginAuthentication().get_authentication_header()
    assert header == {"Authorization": f"Bearer {rest_server.token()}"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "ExperimentName of the body: it is missing"),
        ({"ExperimentName": "a/b"}, "experiment 'a/b': a name has"),
        ({"ExperimentName": "e", "ParameterAssignments": {"x": 1}}, "has no parameter 'x'; it declares: input_"),
        ({"ExperimentName": "e", "ParameterAssignments": {"input_string": 1}}, "parameter 'input_string': 1 is a int"),
        (b"no", "body: it is not JSON"),
    ],
)
def test_what_is_wrong_with_a_body_is_said(published: PublishedPipeline, body: object, words: str) -> None:
    """The answer is 400 with the sentence that submit would raise."""
    status, answer = post(published.endpoint, body)

    assert (status, answer["error"]["code"]) == (400, "UserError")
    assert words in answer["error"]["message"]


def test_a_disabled_pipeline_answers_in_one_sentence(published: PublishedPipeline) -> None:
    """Its address stays."""
    published.disable()

    status, answer = post(published.endpoint, {"ExperimentName": "e"})

    assert status == 400
    assert answer["error"]["message"].endswith("is Disabled and takes no runs; enable it first")


def test_an_endpoint_is_asked_by_id_and_by_name(published: PublishedPipeline, workspace: Workspace) -> None:
    """The version stands in the path or in the query, as in the official notebook; what is not there is named."""
    endpoint = PipelineEndpoint.publish(workspace, "a & b", None, published)
    by_id = endpoint.endpoint
    by_name = by_id.split("Id", 1)[0] + "Name?name=a%20%26%20b"

    for address in (by_id, f"{by_id}/0", f"{by_id}?pipelineVersion=0", by_name, f"{by_name}&pipelineVersion=0"):
        status, answer = post(address, {"ExperimentName": "e", "ParameterAssignments": {"x": 1}})
        assert (status, "has no parameter 'x'" in answer["error"]["message"]) == (400, True)
    for address in (f"{by_id}/7", f"{by_name}&pipelineVersion=7"):
        status, answer = post(address, {"ExperimentName": "e"})
        assert (status, answer["error"]["code"]) == (404, "NotFound")
        assert "no version '7'; its versions are 0" in answer["error"]["message"]
    assert post(by_name.partition("?")[0], {"ExperimentName": "e"})[0] == 400
    endpoint.disable()
    assert "is Disabled and takes no runs" in post(by_id, {"ExperimentName": "e"})[1]["error"]["message"]


def test_the_description_is_for_those_with_the_token(published: PublishedPipeline, workspace: Workspace) -> None:
    """It names the four ways to start a run."""
    address = PipelineEndpoint.publish(workspace, "e", None, published).swaggerurl
    header = InteractiveLoginAuthentication().get_authentication_header()

    with OPENER.open(urllib.request.Request(address, headers=header), timeout=60) as answer:
        paths = json.load(answer)["paths"]

    assert [path.rpartition("/PipelineRuns/")[2] for path in paths if "post" in paths[path]] == [
        "PipelineSubmit/{pipeline_id}",
        "PipelineEndpointSubmit/Id/{endpoint_id}",
        "PipelineEndpointSubmit/Id/{endpoint_id}/{version}",
        "PipelineEndpointSubmit/Name",
    ]
    for request in (urllib.request.Request(address), urllib.request.Request(f"{address}x", headers=header)):
        with pytest.raises(urllib.error.HTTPError, match=r"HTTP Error 40[14]") as caught:
            OPENER.open(request, timeout=60)
        caught.value.close()


def test_what_is_not_there_is_not_found(published: PublishedPipeline) -> None:
    """Another id, another workspace and another path are 404."""
    address = published.endpoint
    for other in (address[:-1] + "!", address.replace("/w/", "/v/"), address.replace("PipelineSubmit", "Other")):
        assert post(other, {"ExperimentName": "e"})[0] == 404


def test_the_size_of_a_body_is_limited(published: PublishedPipeline) -> None:
    """A body beyond the limit is refused by its announced length."""
    request = urllib.request.Request(
        published.endpoint, b"{}", InteractiveLoginAuthentication().get_authentication_header()
    )
    request.add_unredirected_header("Content-length", str(1 << 30))

    with pytest.raises(urllib.error.HTTPError) as caught, OPENER.open(request, timeout=60):
        pass
    with caught.value as answer:
        assert answer.code == 413


def test_the_token_is_never_logged(published: PublishedPipeline, caplog: pytest.LogCaptureFixture) -> None:
    """Neither a request that is taken nor one that is refused leaves it in a log."""
    with caplog.at_level(logging.DEBUG):
        post(published.endpoint, {})
        post(published.endpoint, {}, {"Authorization": "Bearer hunter2"})

    assert "PipelineSubmit" in caplog.text
    assert rest_server.token() not in caplog.text
    assert "hunter2" not in caplog.text


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_serves_at_an_address_of_its_own(published: PublishedPipeline) -> None:
    """The parent's socket is closed in it, and its token is another one."""
    before, reader, writer = rest_server.token(), *os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, json.dumps([rest_server.token(), published.endpoint]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    token, address = json.loads(os.read(reader, 10_000))
    os.close(reader)
    os.close(writer)

    assert token != before
    assert address != published.endpoint
    assert post(published.endpoint, {})[0] == 400


def test_the_server_ends_with_its_process(published: PublishedPipeline) -> None:
    """A program that asked for an address ends as any other, without a word."""
    program = (
        "from airflow_ml.core import Workspace; from airflow_ml.pipeline.core import PublishedPipeline\n"
        f"print(PublishedPipeline.get(Workspace('s', 'g', 'w'), {published.id!r}).endpoint)"
    )

    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
    with pytest.raises(urllib.error.URLError, match="refused"):
        OPENER.open(done.stdout.strip(), timeout=5)


def test_an_unexpected_error_is_answered_too(
    published: PublishedPipeline, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The client learns that it was no fault of its own; the log has the rest."""
    broken: Callable[..., None] = lambda *_: 1 / 0  # noqa: E731
    monkeypatch.setattr(rest_server, "start_run", broken)

    status, answer = post(published.endpoint, {"ExperimentName": "e"})

    assert (status, answer["error"]["code"]) == (500, "InternalError")
    assert "ZeroDivisionError" in caplog.text
