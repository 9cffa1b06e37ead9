"""Where scripts write outputs, and what becomes of them."""

from __future__ import annotations

from pathlib import Path

from airflow_ml.core import Dataset
from airflow_ml.data import OutputFileDatasetConfig
from airflow_ml.pipeline.core import PipelineData

READ_FILE = "import sys; assert open(sys.argv[1]).read() == 'hello', sys.argv"
WRITE_FILE = "import os, sys; assert not os.path.exists(sys.argv[1]); open(sys.argv[1], 'w').write('hello')"
WRITE_FOLDER = """
import os, sys
os.makedirs(os.path.join(sys.argv[1], "deep"))
open(os.path.join(sys.argv[1], "deep", "a b.txt"), "w").write("hello")
"""
WRITE_INTO = "import os, sys; open(os.path.join(sys.argv[1], 'a.csv'), 'w').write('x,y\\n1,2\\n')"


def test_a_single_file_is_handed_on_as_a_file(script, start):
    """A PipelineData's path is free to become a file; its consumer gets the path of a file."""
    out = PipelineData("out")
    first = script(WRITE_FILE, out, outputs=[out], name="first")
    second = script(READ_FILE, out, inputs=[out], name="second")

    run = start(first, second).run_all()

    assert run.get_status() == "Finished"


def test_a_folder_is_handed_on_as_a_folder(script, start):
    """What the script makes a folder is one for the consumer, with the paths inside it; downloads too."""
    out = PipelineData("out")
    check = "import sys; assert open(sys.argv[1] + '/deep/a b.txt').read() == 'hello'"
    first = script(WRITE_FOLDER, out, outputs=[out], name="first")
    second = script(check, out, inputs=[out], name="second")
    third = script(check, out.as_download(input_name="copy"), inputs=[out.as_download(input_name="copy")], name="third")

    assert start(first, second, third).run_all().get_status() == "Finished"


def test_a_consumer_cannot_damage_what_was_committed(script, start):
    """Writing into a mounted input changes neither the datastore nor what the next consumer reads."""
    out = PipelineData("out")
    spoil = """
        import contextlib, os, sys
        with contextlib.suppress(OSError):  # bound read-only, where steps can have mounts of their own
            os.chmod(sys.argv[1], 0o644)
            open(sys.argv[1], 'w').write('spoilt')
    """
    first = script(WRITE_FILE, out, outputs=[out], name="first")
    second = script(spoil, out, inputs=[out], name="second")
    third = script(READ_FILE, out, inputs=[out], name="third")
    third.run_after(second)

    started = start(first, second, third)

    assert started.run_all().get_status() == "Finished"
    assert started.output("out", "first").read_text() == "hello"


def test_an_output_configurations_folder_is_there(script, start, workspace):
    """A script writes straight into the folder; a fixed destination is where the files are."""
    out = OutputFileDatasetConfig("out", destination=(workspace.get_default_datastore(), "fixed/place"))
    started = start(script(WRITE_INTO, out))

    started.run()

    assert started.output("out").joinpath("a.csv").read_text() == "x,y\n1,2\n"
    assert started.services.registry.outputs.of(started.last().id)[0].path == "fixed/place"


def test_the_default_destination_names_run_and_output(script, start):
    """Without a destination files go to `dataset/{run-id}/{output-name}`."""
    out = OutputFileDatasetConfig("out")
    started = start(script(WRITE_INTO, out))

    started.run()

    assert started.services.registry.outputs.of(started.last().id)[0].path == f"dataset/{started.last().id}/out"


def test_a_registered_output_is_a_new_version_on_success_alone(script, start, workspace):
    """register_on_complete makes one version per run that computes; a failing script, or a reused step, makes none."""
    destination = (workspace.get_default_datastore(), "d/{run-id}")

    def run(source: str, **opening: object):
        out = OutputFileDatasetConfig("out", destination=destination).register_on_complete("table", tags={"a": "b"})
        return start(script(source, out), **opening)

    run(WRITE_INTO).run()
    run(WRITE_INTO + "; raise SystemExit(1)").fail()
    run(WRITE_INTO).run()
    run(WRITE_INTO, details={"reuse": "refresh"}).run()

    assert Dataset.get_by_name(workspace, "table").version == 2
    assert Dataset.get_by_name(workspace, "table").tags == {"a": "b"}


def test_a_registered_table_reads_as_a_table(script, start, workspace):
    """`read_delimited_files` is carried to the dataset that the output becomes."""
    out = OutputFileDatasetConfig("out").read_delimited_files().register_on_complete("table")
    start(script(WRITE_INTO, out)).run()

    frame = Dataset.get_by_name(workspace, "table").to_pandas_dataframe()

    assert frame.to_dict("list") == {"x": [1], "y": [2]}


def test_a_consumer_of_a_table_gets_a_table(script, start):
    """The consumer of an output that is read as a table gets a dataset in direct mode."""
    out = OutputFileDatasetConfig("out").read_delimited_files()
    read = """
    from azureml.core import Run
    frame = Run.get_context().input_datasets["table"].to_pandas_dataframe()
    assert frame.to_dict("list") == {"x": [1], "y": [2]}, frame
    """
    first = script(WRITE_INTO, out, name="first")
    second = script(read, inputs=[out.as_input("table")], name="second")

    assert start(first, second).run_all().get_status() == "Finished"


def test_uploaded_outputs_go_where_they_were_asked_for(script, start, tmp_path: Path):
    """In upload mode the script writes to `output_path_on_compute`, relative or absolute; nothing stays there."""
    absolute = tmp_path / "elsewhere" / "file"
    near = PipelineData("near", output_mode="upload", output_path_on_compute="made/here")
    far = PipelineData("far", output_mode="upload", output_path_on_compute=str(absolute))
    source = f"""
    import sys
    assert sys.argv[2] == {str(absolute)!r}
    assert sys.argv[1].endswith("/code/made/here")
    open("made/here", "w").write("near"); open({str(absolute)!r}, "w").write("far")
    """
    started = start(script(source, near, far, outputs=[near, far]))

    started.run()

    assert (started.output("near").read_text(), started.output("far").read_text()) == ("near", "far")
    assert not absolute.exists()


def test_several_globs_choose_what_is_uploaded(script, start):
    """A list of globs keeps what any of them names; a name alone is meant in every folder, a path from the output."""
    out = OutputFileDatasetConfig("out").as_upload(source_globs=["*.csv", "deep/*.txt"])
    more = """
os.makedirs(os.path.join(sys.argv[1], "deep"))
for name in ("b.txt", "deep/c.txt", "deep/d.csv"):
    open(os.path.join(sys.argv[1], name), "w").write("x")
"""
    started = start(script(WRITE_INTO + more, out))

    started.run()

    kept = [path for path in started.output("out").rglob("*") if path.is_file()]
    assert sorted(path.relative_to(started.output("out")).as_posix() for path in kept) == [
        "a.csv",
        "deep/c.txt",
        "deep/d.csv",
    ]


def test_a_partitioned_output_is_registered_with_its_keys(script, start, workspace):
    """partition_format of the output becomes the registered dataset's."""
    out = OutputFileDatasetConfig("out", partition_format="{name}.csv").register_on_complete("parts")
    started = start(script(WRITE_INTO, out))

    started.run()

    parts = Dataset.get_by_name(workspace, "parts")
    assert parts.partition_keys == ["name"]
    assert parts.get_partition_key_values() == [{"name": "a"}]


def test_source_globs_choose_what_is_uploaded(script, start):
    """Of an uploaded folder only what the glob names is kept."""
    out = OutputFileDatasetConfig("out").as_upload(source_globs="**/*.csv")
    source = WRITE_INTO + "; open(os.path.join(sys.argv[1], 'b.txt'), 'w').write('no')"
    started = start(script(source, out))

    started.run()

    assert [path.name for path in started.output("out").iterdir()] == ["a.csv"]
