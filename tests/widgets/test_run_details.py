"""The table of a run: what it shows, where, and when it stops looking."""

from __future__ import annotations

import queue
import threading
from pathlib import Path

import pytest

from airflow_ml.core import Run, Workspace
from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import to_json
from airflow_ml.pipeline.core import Pipeline
from airflow_ml.pipeline.steps import PythonScriptStep
from airflow_ml.widgets import RunDetails, run_details
from airflow_ml.widgets._tables import as_html, as_text


class Screen:
    """A place for a table that remembers what it was given."""

    def __init__(self) -> None:
        self.texts: queue.Queue[str] = queue.Queue()
        self.is_open = True

    def update(self, text: str) -> bool:
        """Take the table's next form."""
        self.texts.put(text)
        return self.is_open

    def next(self) -> str:
        """Wait for the table's next form."""
        return self.texts.get(timeout=30)


@pytest.fixture
def workspace(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A fresh workspace, and a folder with a script."""
    monkeypatch.chdir(tmp_path)
    Path("a.py").write_text("pass\n")
    return Workspace.create("w", show_output=False)


@pytest.fixture
def run(workspace: Workspace) -> Run:
    """A pipeline's run of two steps: the first has failed, the second was not started."""
    pipeline = Pipeline(workspace, [PythonScriptStep("a.py", name) for name in ("<train>", "test")])
    runs = workspace.registry().runs
    record = runs.open_pipeline("e", "p", dag_id="d", dag_run_id="r", graph_json=to_json(pipeline.graph))
    node = next(step.id for step in pipeline.graph.steps if step.name == "<train>")
    step = runs.create("e", "<train>", kind="step", parent_id=record.id, node_id=node)
    runs.set_status(step.id, "Running")
    found = Run.get(workspace, step.id)
    found.log("loss", 0.5)
    found.log("loss", 0.25)
    runs.set_status(step.id, "Failed", error={"message": "it broke"})
    runs.set_status(record.id, "Running")
    return Run.get(workspace, record.id)


def test_data_has_every_step_in_the_pipelines_order(run: Run) -> None:
    """Steps that have not started are in it as well; the names are v1's where it had one."""
    data = RunDetails(run).get_widget_data({"childWidgetDisplay": "popup"})

    assert {step["name"]: step["status"] for step in data["child_runs"]} == {"<train>": "Failed", "test": "NotStarted"}
    assert data["child_runs"][0]["run_metrics"] == {"loss": [0.5, 0.25]}
    assert (data["status"], data["run_id"]) == ("Running", run.id)
    assert data["widget_settings"] == {"childWidgetDisplay": "popup"}


def test_reused_steps_are_marked(workspace: Workspace, run: Run) -> None:
    """In the data by v1's word, and in the table beside the state."""
    reused = {"azureml.isreused": "true", "azureml.reusedrunid": "old"}
    options = {"parent_id": run.id, "node_id": "test", "status": "Completed", "properties": reused}
    workspace.registry().runs.create("e", "test", kind="step", **options)

    details = RunDetails(run)
    data = details.get_widget_data()

    assert {step["name"]: step["is_reused"] for step in data["child_runs"]} == {"<train>": "", "test": "Yes"}
    assert "Finished, reused" in as_text(data)
    assert ">Finished</span>, reused<" in as_html(data)


def test_terminal_shows_text_and_returns(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Outside of Jupyter the table is text as of now, and nothing goes on looking."""
    threads = threading.active_count()

    RunDetails(run).show()

    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[-2:]] == [["<train>", "Failed"], ["test", "NotStarted"]]
    assert "loss 0.25" in lines[-2]
    assert threading.active_count() == threads


def test_table_follows_the_run_and_ends_with_it(
    workspace: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refreshed until the run has ended; what users named is escaped."""
    monkeypatch.setattr(run_details, "_SECONDS_BETWEEN_LOOKS", 0.01)
    screen = Screen()
    following = run_details._Following(RunDetails(run)._watched, screen)

    assert "&lt;train&gt;" in screen.next()
    workspace.registry().runs.set_status(run.id, "Failed", error={"message": "a <step> failed"})
    following._thread.join(30)

    assert not following._thread.is_alive()
    last = [screen.next() for _ in range(screen.texts.qsize())][-1]
    assert "a &lt;step&gt; failed" in last
    assert "<train>" not in last


def test_closed_table_is_not_followed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread ends when the table is gone, though the run goes on."""
    monkeypatch.setattr(run_details, "_SECONDS_BETWEEN_LOOKS", 0.01)
    screen = Screen()
    screen.is_open = False

    following = run_details._Following(RunDetails(run)._watched, screen)
    following._thread.join(30)

    assert not following._thread.is_alive()
    assert screen.texts.qsize() == 1


def test_showing_again_leaves_one_thread(run: Run) -> None:
    """Stopping waits for the thread, so that none is left behind."""
    following = run_details._Following(RunDetails(run)._watched, Screen())

    following.stop()

    assert not following._thread.is_alive()


def test_widget_of_ipywidgets_can_be_closed(run: Run) -> None:
    """Closing the widget is what ends its thread."""
    widgets = pytest.importorskip("ipywidgets")
    surface = run_details._WidgetSurface("<b>1</b>")

    assert isinstance(surface._widget, widgets.HTML)
    assert surface.update("<b>2</b>")
    surface._widget.close()
    assert not surface.update("<b>3</b>")


def test_something_else_is_refused() -> None:
    """The sentence says what to give."""
    with pytest.raises(UserErrorException, match=r"takes a run, not str; give what Experiment\.submit returned"):
        RunDetails("some-id")
