"""What a running script says and logs, whatever it does to its run directory."""

from __future__ import annotations

import threading

import pytest

from airflow_ml.exceptions import ServiceException

RUN_DIRECTORY = "import os; place = os.environ['AIRFLOW_ML_RUN_DIRECTORY'];"
LOG = "from azureml.core import Run; Run.get_context().log('x', 1)"


def test_what_is_logged_while_the_registry_is_locked_is_recorded_later(script, start, services, gate):
    """Metrics wait for a registry that is busy for a while; none is lost."""
    source = f"""
    from azureml.core import Run
    Run.get_context().log("x", 1)
    {gate.wait_here}
    """
    started = start(script(source))
    complained = threading.Event()
    started.on_line = lambda line: complained.set() if "wait to be recorded" in line else None
    runner = threading.Thread(target=started.run)
    real = type(services.registry.metrics).append
    broken = {"is": True}

    def append(self, points):
        if broken["is"]:
            raise ServiceException("registry: database is locked")
        real(self, points)

    type(services.registry.metrics).append = append
    try:
        runner.start()
        gate.wait()
        assert complained.wait(30)
        broken["is"] = False
        gate.open()
        runner.join(30)
    finally:
        type(services.registry.metrics).append = real

    assert started.face.find_step_run("step")[0].get_metrics() == {"x": 1}


def test_a_line_of_a_megabyte_comes_in_pieces(script, start):
    """A very long line is kept whole in the run's log and shown in pieces."""
    started = start(script("print('ö' * 600_000)"))

    started.run()

    assert "".join(started.log) == "ö" * 600_000
    assert max(map(len, started.log)) <= 16 << 10
    assert started.face.find_step_run("step")[0].get_stdout_log() == "ö" * 600_000 + "\n"


def test_damaged_events_are_counted_in_the_log(script, start):
    """A line that is no event is passed over, and the task's log says so."""
    started = start(script(f"{RUN_DIRECTORY} open(place + '/events.jsonl', 'a').write('torn\\n')\n{LOG}"))

    started.run()

    assert "1 damaged lines among the events of the script were passed over" in started.log
    assert started.face.find_step_run("step")[0].get_metrics() == {"x": 1}


def test_binary_output_does_no_harm(script, start):
    """Bytes that are no text are shown as replacement characters."""
    started = start(script("import os; os.write(1, bytes(range(256)) * 400)"))

    started.run()

    assert started.last().status == "Completed"


@pytest.mark.parametrize(
    "source",
    [
        f"{RUN_DIRECTORY} os.remove(place + '/context.json')",
        f"{RUN_DIRECTORY} {LOG}; os.remove(place + '/events.jsonl')",
        f"{RUN_DIRECTORY} os.mkdir(place + '/events.jsonl')",
        f"{RUN_DIRECTORY} open(place + '/events.jsonl', 'w').write('no json\\n{{}}\\n[1]\\n')",
        f'{RUN_DIRECTORY} open(place + \'/events.jsonl\', \'w\').write(\'{{"v":1,"run":1,"event":"metric"}}\\n\')',
        f'{RUN_DIRECTORY} open(place + \'/events.jsonl\', \'w\').write(\'{{"v":9,"run":1,"event":"metric"}}\\n\')',
        f"{RUN_DIRECTORY} os.remove(place + '/user_logs/std_log.txt')",
        f"{RUN_DIRECTORY} os.remove(place + '/channel.sock')",
        "import os; os._exit(0)",
        "import os; os.close(1); os.close(2)",
        "import os, shutil; shutil.rmtree(os.getcwd())",
        "import os; os.symlink('/', 'outputs')",
        "import os; os.makedirs('outputs'); os.symlink('/etc/passwd', 'outputs/secret'); os.mkfifo('outputs/pipe')",
        "import os; os.makedirs('outputs'); open(b'outputs/\\xff', 'w').close()",
    ],
)
def test_a_script_that_spoils_its_run_directory_harms_itself_alone(script, start, source):
    """Whatever a script does to its run directory, a script that ends well is a step that completes."""
    started = start(script(source))

    started.run()

    assert started.last().status == "Completed"
    assert not started.leftovers()
    assert "outputs/secret" not in started.face.find_step_run("step")[0].get_file_names()
