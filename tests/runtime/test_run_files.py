from pathlib import Path

import pytest


def uploaded(step):
    """Return the content of each uploaded artifact."""
    root = Path(step.directory.root)
    return {event["name"]: (root / event["path"]).read_bytes() for event in step.events("file")}


def test_uploads_are_copies(step):
    """An uploaded file is as it was when it was handed over, from a path, a stream or a folder."""
    step.run("""
        import io, os
        from azureml.core import Run
        run = Run.get_context()
        open("m.pkl", "wb").write(b"first")
        run.upload_file("outputs/m.pkl", "m.pkl")
        open("m.pkl", "wb").write(b"second")
        run.upload_file("./s.txt", io.BytesIO(b"stream"))
        os.makedirs("f/sub"); open("f/sub/żó ł.txt", "w").write("deep")
        run.upload_folder("folder", "f")
        run.upload_files(["one"], ["m.pkl"])
        assert run.get_file_names() == ["outputs/m.pkl", "s.txt", "folder/sub/żó ł.txt", "one"]
        run.download_file("outputs/m.pkl", "back/m.pkl")
        assert open("back/m.pkl").read() == "first"
        run.download_files("folder/", "all", append_prefix=False)
        assert open("all/sub/żó ł.txt").read() == "deep"
        run.download_files("s.txt", "single", append_prefix=False)
        assert os.listdir("single") == ["s.txt"]
    """)

    assert uploaded(step) == {
        "outputs/m.pkl": b"first",
        "s.txt": b"stream",
        "folder/sub/żó ł.txt": b"deep",
        "one": b"second",
    }


def test_missing_file(step):
    """A file that is not there is the script's error, and no event is written."""
    done = step.run("from azureml.core import Run; Run.get_context().upload_file('a', 'nowhere')", check=False)

    assert "UserErrorException: upload of 'nowhere': no such file in" in done.stderr
    assert step.events("file") == []


def test_names_stay_inside(step):
    """An artifact's name cannot climb out."""
    step.run("open('x', 'w').close()")
    done = step.run("from azureml.core import Run; Run.get_context().upload_file('../../x', 'x')", check=False)

    assert "artifact name '../../x': expected a relative path without '..'" in done.stderr


def test_images(step):
    """A plot is kept as `<name>_<unix time>.png`, a file under its path (v1); two plots of a name do not collide."""
    step.run("""
        from azureml.core import Run
        class Plot:
            def savefig(self, path, format):
                open(path, "w").write(format)
        run = Run.get_context()
        run.log_image("curve", plot=Plot())
        run.log_image("curve", plot=Plot())
        open("a.jpg", "w").write("jpeg")
        run.log_image("photo", path="a.jpg")
        assert len(set(run.get_metrics()["curve"])) == 2
    """)

    images = [event["value"] for event in step.events("metric")]
    assert [name.rpartition("_")[0] for name in images] == ["curve", "curve", ""]
    assert images[-1] == "a.jpg"
    assert [uploaded(step)[name] for name in images] == [b"png", b"png", b"jpeg"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [("", "give exactly one of path and plot"), (", plot=3", "plot is int, expected something with savefig")],
)
def test_image_needs_one_source(step, arguments, sentence):
    """An image comes from exactly one of path and plot, and a plot can draw itself."""
    done = step.run(f"from azureml.core import Run; Run.get_context().log_image('x'{arguments})", check=False)

    assert f"UserErrorException: image 'x': {sentence}" in done.stderr


def test_files_that_the_operator_has(step):
    """An artifact that the operator has taken already, or that another step uploaded, is asked of the operator."""
    handed = Path(step.directory.requests)
    handed.mkdir()

    def file(params):
        (handed / "x").write_text(f"{params['id']}/{params['name']}")
        return {"path": str(handed / "x")}

    step.handlers.update({"run.file": file, "run.files": lambda params: ["outputs/m.pkl"]})
    step.run("""
        import os
        from azureml.core import Run
        run = Run.get_context()
        open("m.pkl", "w").write("model")
        run.upload_file("m.pkl", "m.pkl")
        for name in os.listdir(run._context.directory.uploads):
            os.unlink(os.path.join(run._context.directory.uploads, name))
        run.download_file("m.pkl", "back")
        assert open("back").read() == "run-1/m.pkl"
        os.mkdir("folder")
        assert run.parent.get_file_names() == ["outputs/m.pkl"]
        run.parent.download_file("outputs/m.pkl", "folder")
        assert open("folder/m.pkl").read() == "pipeline-1/outputs/m.pkl"
    """)


def test_snapshot_as_a_zip(step):
    """`restore_snapshot` gives the path of a zip named by the snapshot, by default of the run's own."""
    step.write(properties={"ContentSnapshotId": "s-1"})
    packed = Path(step.directory.root) / "packed"
    packed.write_text("zip")
    step.handlers["snapshot.zip"] = lambda params: {"path": str(packed)}

    step.run("""
        import os
        from azureml.core import Run
        run = Run.get_context()
        assert run.get_snapshot_id() == "s-1"
        assert run.restore_snapshot(path=".") == os.path.abspath("s-1.zip") and open("s-1.zip").read() == "zip"
    """)


def test_full_disk(step):
    """An upload that does not fit is an error that says so, and leaves nothing half."""
    step.run("open('big', 'wb').write(bytes(100_000))")
    done = step.run(
        """
        import resource, signal
        from azureml.core import Run
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        Run.get_context().upload_file("big", "big")
        """,
        check=False,
    )

    assert "ServiceException: upload of 'big': not copied into the run directory: File too large" in done.stderr
    assert list(Path(step.directory.uploads).iterdir()) == []
    assert step.events("file") == []
