"""What scripts ask their workspace for while they run: later runs take the result only while it is the same."""

import threading

import pytest

from airflow_ml.core import Dataset, Datastore, Model
from airflow_ml.execution.reusing import plan

WORKSPACE = "from azureml.core import *\nrun = Run.get_context()\nws = run.experiment.workspace\n"


@pytest.fixture
def action(script, start, services):
    """Function that says whether a run that started now would take the result of a script."""
    return lambda source: plan(services, start(script(WORKSPACE + source)).graph, {})["step"].action


@pytest.fixture
def compute(script, start):
    """Function that runs a step with a script, and returns the started pipeline run."""

    def run(source):
        started = start(script(WORKSPACE + source))
        started.run_all()
        return started

    return run


@pytest.fixture
def model(workspace, tmp_path):
    """Function that registers one more version of model `m`."""
    (tmp_path / "m.txt").write_text("1")
    return lambda: Model.register(workspace, str(tmp_path / "m.txt"), "m")


CHAMPION = """
try:
    Model(ws, "m")
except Exception:
    pass
"""


def test_what_was_not_there(compute, action, model):
    """A script that did without a model runs again when there is one."""
    compute(CHAMPION)
    assert action(CHAMPION) == "reuse"

    model()

    assert action(CHAMPION) == "run"


def test_a_tag_by_which_a_model_is_chosen(compute, action, model):
    """A script that chooses a model by its tag runs again when another one has the tag."""
    source = "Model(ws, 'm', tags=['live'])"
    first, second = model(), model()
    first.add_tags({"live": "yes"})
    compute(source)
    assert action(source) == "reuse"

    first.remove_tags("live")
    second.add_tags({"live": "yes"})

    assert action(source) == "run"


def test_files_of_a_datastore_count_by_their_content(compute, action, services):
    """Files that a script downloads by name may be written anew, and must not change."""
    store = services.store("workspaceblobstore")
    store.write("raw/a.csv", b"1")
    source = "Datastore.get(ws, 'workspaceblobstore').download('got', prefix='raw')"
    compute(source)

    store.write("raw/a.csv", b"1")
    assert action(source) == "reuse"

    store.write("raw/a.csv", b"2")
    assert action(source) == "run"


@pytest.mark.parametrize("last", [b"x\n2", b"x\n1"])
def test_what_changed_while_the_script_ran(script, start, gate, services, workspace, last):
    """A result is offered to nobody if something that its script asked for changed before its end, or for a while."""
    place = Datastore.get(workspace, "workspaceblobstore")
    store = services.store("workspaceblobstore")
    store.write("raw/a.csv", b"x\n1")
    Dataset.Tabular.from_delimited_files((place, "raw")).register(workspace, "raw")
    started = start(script(WORKSPACE + "Dataset.get_by_name(ws, 'raw').to_pandas_dataframe()\n" + gate.wait_here))
    thread = threading.Thread(target=started.run)
    thread.start()
    gate.wait()
    store.write("raw/a.csv", b"x\n2")
    store.write("raw/a.csv", last)
    gate.open()
    thread.join()

    assert "data of a dataset, which its script reads, changed" in started.last().details["reuse"]["withheld"]


def test_a_file_elsewhere_that_changed_while_the_script_ran(script, start, tmp_path):
    """A file of `hash_paths` that the snapshot does not hold must be what it was when the run was opened."""
    place = tmp_path / "shared.txt"
    place.write_text("1")
    started = start(script(f"open({str(place)!r}, 'w').write('2')", hash_paths=[str(place)]))

    started.run_all()

    assert "hash_paths changed before or while the step ran" in started.last().details["reuse"]["withheld"]


@pytest.mark.parametrize(
    "source",
    ["Run.get(ws, {id!r}).get_tags()", "list(Run.get(ws, {id!r}).get_children())", "Run.get(ws, {id!r}).get_details()"],
)
def test_other_runs(compute, source):
    """What a script learns of other runs can be compared by nothing, so its result is offered to nobody."""
    other = compute("")
    reader = compute(source.format(id=other.last().id))

    assert other.last().id in reader.last().details["reuse"]["withheld"]


def test_the_own_pipeline_run(compute, action):
    """A script may look at its own run and at the pipeline run that it belongs to."""
    source = "run.get_tags(); run.parent.get_tags(); run.get_details()"
    compute(source)

    assert action(source) == "reuse"
