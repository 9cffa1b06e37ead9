"""Datasets that a script makes, writes and changes while its step runs."""

from __future__ import annotations

from pathlib import Path

from airflow_ml.core import Dataset, Run
from airflow_ml.data import OutputFileDatasetConfig

_HEAD = """
import os
import pandas
from azureml.core import Dataset, Run
from azureml.data.datapath import DataPath
ws = Run.get_context().experiment.workspace
store = ws.get_default_datastore()
"""


def ran(script, start, source: str, *arguments: object):
    """Run a script with the head above as the one step of a pipeline."""
    return start(script(_HEAD + source, *arguments)).run()


def test_a_script_writes_frames_and_tables(script, start, workspace):
    """register_pandas_dataframe, partition_by and to_csv_files write to a datastore by way of the operator."""
    ran(
        script,
        start,
        """
frame = pandas.DataFrame({"city": ["Oslo", "Bonn", "Oslo"], "sold": [1, 2, 3]})
table = Dataset.Tabular.register_pandas_dataframe(frame, (store, "sales"), "sales", tags={"a": "1"})
assert table.to_pandas_dataframe().equals(frame)
parted = table.partition_by(["city"], DataPath(store, "parted"), name="parted")
assert parted.get_partition_key_values() == [{"city": "Bonn"}, {"city": "Oslo"}]
rows = parted.filter(parted["city"] == "Oslo").to_pandas_dataframe()
assert rows["sold"].tolist() == [1, 3]
(csv,) = table.filter(table["sold"] > 1).to_csv_files().download()
assert open(csv).read().splitlines() == ["city,sold", "Bonn,2", "Oslo,3"]
table.add_tags({"b": "2"})
""",
    )

    sales = Dataset.get_by_name(workspace, "sales")
    assert sales.tags == {"a": "1", "b": "2"}
    assert sales.to_pandas_dataframe()["sold"].tolist() == [1, 2, 3]
    assert Dataset.get_by_name(workspace, "parted").partition_keys == ["city"]


def test_a_script_defines_what_the_pipelines_side_defines(script, start, workspace):
    """The same calls give the same definition, so the same id."""
    store = workspace.get_default_datastore()
    Path("d").mkdir()
    Path("d/a.csv").write_text("x\n1\n", encoding="utf-8")
    store.upload("d", "d", show_progress=False)

    ran(
        script,
        start,
        """
os.makedirs("out")
open("out/b.csv", "w").write("x\\n2\\n")
made = Dataset.File.upload_directory("out", (store, "d"), pattern="*.csv")
assert made.to_path() == ["/a.csv", "/b.csv"]
table = Dataset.Tabular.from_delimited_files((store, "d/*.csv"), separator=";").take(1)
table.register(ws, "table")
""",
    )

    table = Dataset.Tabular.from_delimited_files((store, "d/*.csv"), separator=";").take(1)
    assert table.ensure_saved(workspace) == Dataset.get_by_name(workspace, "table").id


REGISTER = """
import sys
from azureml.core import Dataset, Run
ws = Run.get_context().experiment.workspace
Dataset.File.from_files((ws.get_default_datastore(), "data")).register(ws, "by script")
"""


def test_datasets_know_the_run_that_made_them(script, start, workspace):
    """Lineage: the run shows what it registered, and each version leads back to its run, also one of a script."""
    out = OutputFileDatasetConfig("out").register_on_complete("by output")
    started = start(script(REGISTER, out))

    started.run()

    run = started.last()
    assert Dataset.get_by_name(workspace, "by script").producing_run_id == run.id
    made = Dataset.get_by_name(workspace, "by output")
    assert made.producing_run_id == run.id
    [shown] = Run.get(workspace, run.id).get_details()["outputDatasets"]
    assert (shown["dataset"].version, shown["outputDetails"]) == (1, {"outputName": "out"})
    assert made.register(workspace, "by hand").producing_run_id is None
