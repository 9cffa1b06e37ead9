"""Those of the twenty details (see `test_twenty_details.py`) that show in a run alone; all share three runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from airflow_ml.core import Model
from airflow_ml.data import FileDataset
from airflow_ml.exceptions import ActivityFailedException, DatasetNotFoundError

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("details")]

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def test_detail_01_a_single_file_dataset_is_delivered_as_the_file(ran) -> None:
    """A dataset of one file gives the file's path, mounted or downloaded; a folder gives the folder."""
    assert ran.seen["single"] == ran.seen["copied"] == [True, "a.csv"]
    assert ran.seen["folder"] == ["a.csv", "b.csv"]


def test_detail_02_direct_mode_passes_the_id(ran) -> None:
    """The argument of a direct input is the saved dataset's id; mounts are path strings in `input_datasets`."""
    assert GUID.fullmatch(ran.seen["direct"])
    kinds = ran.seen["kinds"]
    assert kinds["direct"] == "FileDataset"
    assert kinds["single"] == kinds["copied"] == kinds["folder"] == "str"


def test_detail_03_what_exists_before_the_script_starts(ran) -> None:
    """The path of a PipelineData does not exist, its parent does; the folder of an output configuration exists."""
    assert (ran.seen["data existed"], ran.seen["parent existed"], ran.seen["made existed"]) == (False, True, True)
    assert ran.read["is file"]


def test_detail_10_finished_and_completed(ran) -> None:
    """`get_status` and waiting say Finished, `status` and the details say Completed."""
    for run in (ran.run, ran.run.find_step_run("look")[0]):
        assert run.get_status() == run.wait_for_completion(show_output=False) == "Finished"
        assert run.status == run.get_details()["status"] == "Completed"


def test_detail_11_downloads_keep_the_whole_path(ran, tmp_path: Path) -> None:
    """Outputs land below the target with their path on the store, and a prefix is text, not a folder."""
    [look] = ran.run.find_step_run("look")
    reference = look.get_output_data("on")

    assert reference.path_on_datastore == f"azureml/{look.id}/on"
    assert reference.download(str(tmp_path)) == 1
    assert (tmp_path / "azureml" / look.id / "on").is_file()
    store = ran.workspace.get_default_datastore()
    assert store.download(str(tmp_path), prefix="raw/a", show_progress=False) == 1
    assert (tmp_path / "raw" / "a.csv").is_file()


def test_detail_11_models_are_downloaded_into_a_folder(ran, tmp_path: Path) -> None:
    """The target of a model's download is a folder, even if it is called like the file."""
    (tmp_path / "x.pkl").write_text("weights")
    model = Model.register(ran.workspace, str(tmp_path / "x.pkl"), "x")

    place = Path(model.download(str(tmp_path / "back" / "x.pkl")))

    assert place == tmp_path / "back" / "x.pkl" / "x.pkl"
    assert place.read_text() == "weights"


def test_detail_13_arguments(ran) -> None:
    """One item is one element of argv with its blanks, everything is text, and variables inside text are expanded."""
    paths = ran.seen["paths"]

    assert ran.seen["rest"] == ["a  'b' c", f"in={paths['single']}", f"out={paths['data']}", "4", "True", "None"]


def test_detail_14_output_name_and_name(ran) -> None:
    """The producer's variable and `get_output_data` go by output_name, the consumer's variable by name."""
    environment = ran.seen["environment"]

    assert environment["AZUREML_DATAREFERENCE_on"] == ran.seen["paths"]["data"]
    assert "AZUREML_DATAREFERENCE_d" not in environment
    assert ran.read["variable"]
    assert set(ran.run.find_step_run("look")[0].get_outputs()) == {"on", "made"}


def test_detail_15_values_arrive_as_text(ran) -> None:
    """`params` are variables `AML_PARAMETER_<name>` with other characters replaced; a submitted number is text."""
    environment = ran.seen["environment"]

    assert (environment["AML_PARAMETER_rate_one"], environment["AML_PARAMETER_number"]) == ("0.5", "4")


def test_detail_16_what_does_not_exist_mounts_fine(ran) -> None:
    """Nothing needs to be at a data path or reference that is mounted; the script gets a path all the same."""
    for name in ("missing", "chosen"):
        assert Path(ran.seen[name]).is_absolute()


def test_detail_19_what_a_failure_stops(ran) -> None:
    """By default nothing more is started; going on, what does not need the failed step runs; both end as Failed."""
    went_on, stopped = ran.failed[True], ran.failed[False]

    assert (went_on.get_status(), stopped.get_status()) == ("Failed", "Failed")
    assert {step.name: step.get_status() for step in went_on.get_steps()} == {"bad": "Failed", "beside": "Finished"}
    assert "behind" not in [step.name for step in stopped.get_steps()]
    assert went_on.wait_for_completion(show_output=False, raise_on_error=False) == "Failed"
    with pytest.raises(ActivityFailedException):
        stopped.wait_for_completion(show_output=False)


def test_detail_19_outputs_are_registered_on_success_alone(ran) -> None:
    """The dataset of a completed step is registered, that of a failed one is not, though its files were written."""
    assert FileDataset.get_by_name(ran.workspace, "made_files").version == 1
    with pytest.raises(DatasetNotFoundError):
        FileDataset.get_by_name(ran.workspace, "never").to_path()


def test_detail_20_run_objects(ran) -> None:
    """Newest first, lists of steps, scalars and lists of metrics, one context; `complete()` in a step ends nothing."""
    assert [step.name for step in ran.run.get_steps()] == ["read", "look"]
    [look] = ran.run.find_step_run("look")
    assert ran.run.find_step_run("nobody") == []
    assert look.get_metrics() == {"once": 1, "often": [1, 2]}
    assert ran.seen["same run"]
    assert ran.read["parent"] == ran.run.id
