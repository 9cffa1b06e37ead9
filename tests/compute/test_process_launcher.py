from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from airflow_ml.compute.orphans import find_orphans
from airflow_ml.compute.process_launcher import ProcessLauncher, read_outcome
from airflow_ml.exceptions import RunEnvironmentException, ServiceException, StepLostError, UserErrorException

IGNORE_TERM = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
SLEEP = "import time; time.sleep(600)"
#: Leaves its parent and its session behind, the way daemons do.
DAEMON = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {ignore}
        {report}
        {sleep}
    os._exit(0)
os.wait()
"""


class TestOutcome:
    @pytest.mark.parametrize("code", [0, 1, 2, 77, 127, 128, 137, 143, 255])
    def test_exit_codes(self, launch, code):
        """The exit code is exact, also for those that shells use for signals."""
        outcome = launch(f"import os; os._exit({code})").wait(20)

        assert (outcome.exit_code, outcome.signal, outcome.succeeded) == (code, None, code == 0)

    @pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE])
    def test_signals(self, launch, number):
        """A script that is ended by a signal reports that signal, and no exit code."""
        source = "import os, signal, sys; n = int(sys.argv[1]); n == 9 or signal.signal(n, 0); os.kill(os.getpid(), n)"

        outcome = launch(source, str(int(number))).wait(20)

        assert (outcome.exit_code, outcome.signal, outcome.succeeded) == (None, number, False)

    def test_written_for_the_next_attempt(self, launch, tmp_path):
        """The result on disk equals the one that was waited for."""
        step = launch("raise SystemExit(3)")

        outcome = step.wait(20)

        written = read_outcome(tmp_path)
        assert (written.exit_code, written.pid, written.started_at) == (3, step.pid, outcome.started_at)
        assert not list(tmp_path.glob("*.part"))

    def test_times(self, launch):
        """Start and end are aware and in order, around the launch."""
        before = time.time()

        outcome = launch().wait(20)

        assert before <= outcome.started_at.timestamp() <= outcome.ended_at.timestamp() <= time.time()

    def test_full_disk_keeps_the_result(self, launch, barrier, tmp_path):
        """A result that cannot be written down still reaches the operator."""
        directory = tmp_path / "attempt"
        directory.mkdir()
        step = launch(f"{barrier.report}; {SLEEP}", attempt_directory=directory)
        barrier.wait()
        directory.rmdir()

        step.stop()

        assert step.wait(20).signal == signal.SIGTERM
        assert "could not write" in (tmp_path / "log.txt").read_text()


class TestScript:
    def test_output_in_order(self, launch, tmp_path):
        """Standard output and error go to one log, in the order written, behind what is there."""
        (tmp_path / "log.txt").write_text("before\n")

        launch("import os; os.write(1, b'one\\n'); os.write(2, b'two\\n'); os.write(1, b'three\\n')").wait(20)

        assert (tmp_path / "log.txt").read_text() == "before\none\ntwo\nthree\n"

    def test_huge_output(self, launch, tmp_path):
        """Output of many megabytes needs nobody to read it."""
        assert launch("import os\nfor _ in range(400): os.write(1, b'x' * 100_000)").wait(30).succeeded

        assert (tmp_path / "log.txt").stat().st_size == 40_000_000

    def test_no_input(self, launch):
        """Standard input is empty, so a script that asks fails instead of hanging."""
        assert launch("import sys; sys.exit(len(sys.stdin.read()))").wait(20).succeeded

    def test_unicode(self, launch, tmp_path):
        """Arguments and variables pass unchanged, whatever characters they hold."""
        odd = "zażółć 🐍 'a\" %s # + \\ \n\udcff"
        source = "import os, sys; assert sys.argv[1:] == [os.environ['ODD'], ''], ascii(sys.argv)"

        outcome = launch(source, odd, "", environment={**os.environ, "ODD": odd}).wait(20)

        assert outcome.succeeded, (tmp_path / "log.txt").read_text()

    def test_environment_is_exact(self, launch, marker, tmp_path):
        """The script sees the environment of the request and the marker, and nothing of the worker's."""
        environment = {"ONE": "1", "EMPTY": ""}

        launch(argv=("/usr/bin/env",), environment=environment).wait(20)

        lines = (tmp_path / "log.txt").read_text().splitlines()
        assert sorted(lines) == [f"AIRFLOW_ML_ATTEMPT={marker}", "EMPTY=", "ONE=1"]

    def test_program_on_own_path(self, launch, tmp_path):
        """A bare program name is looked up on the step's PATH, not on the worker's."""
        program = tmp_path / "only-here"
        program.write_text("#!/bin/sh\nexit 7\n")
        program.chmod(0o755)

        assert launch(argv=("only-here",), environment={"PATH": str(tmp_path)}).wait(20).exit_code == 7

    def test_relative_program(self, launch, tmp_path):
        """A program with a slash is relative to the working directory."""
        program = tmp_path / "run.sh"
        program.write_text("#!/bin/sh\nexit 7\n")
        program.chmod(0o755)

        assert launch(argv=("./run.sh",)).wait(20).exit_code == 7

    def test_megabyte_of_arguments(self, launch):
        """A megabyte of arguments arrives whole."""
        source = "import sys; sys.exit(0 if sum(map(len, sys.argv[1:])) == 1_000_000 else 1)"

        assert launch(source, *["x" * 1000] * 1000).wait(20).succeeded

    def test_signals_are_restored(self, launch):
        """Nothing is ignored or blocked in the script, whatever Python or who started it ignores."""
        ignored = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
        try:
            step = launch(argv=("/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
            signal.signal(signal.SIGTTOU, ignored)

        step.wait(20)
        masks = re.findall(r"Sig(Blk|Ign):\s+(\w+)", step._request.log_path.read_text())
        # 32 and 33 are the C library's own; it lets nobody touch them, and some shells hand them on ignored.
        ours = ~(1 << 31 | 1 << 32)
        assert [(name, int(mask, 16) & ours) for name, mask in masks] == [("Blk", 0), ("Ign", 0)]


class TestWaiting:
    def test_timeout(self, launch):
        """Waiting is given up after the timeout; the script runs on."""
        step = launch(SLEEP)

        assert step.wait(0.05) is None
        assert step.is_running

    def test_same_outcome_again(self, launch):
        """The outcome can be asked for any number of times."""
        step = launch()

        assert step.wait(20) is step.wait(0)
        assert not step.is_running

    def test_no_zombie(self, launch):
        """Nothing of an ended step is left, the keeper included."""
        step = launch()
        step.wait(20)

        assert not Path(f"/proc/{step.keeper_pid}").exists()

    def test_no_open_files(self, launch):
        """A launched and ended step leaves no file descriptor behind."""
        launch().wait(20)
        before = len(list(Path("/proc/self/fd").iterdir()))

        launch().wait(20)

        assert len(list(Path("/proc/self/fd").iterdir())) == before

    def test_many_open_files(self, make_request):
        """A worker with more than 1,024 open files can still wait."""
        files = [os.open("/dev/null", os.O_RDONLY) for _ in range(1100)]
        try:
            with ProcessLauncher().launch(make_request()) as step:
                assert step.wait(20).succeeded
        finally:
            for file in files:
                os.close(file)


class TestStop:
    def test_polite(self, launch, barrier):
        """The first rung is SIGTERM: a script that handles it ends by its own exit code."""
        step = launch(f"import signal, sys; signal.signal(15, lambda *_: sys.exit(5)); {barrier.report}; {SLEEP}")
        barrier.wait()

        step.stop()

        outcome = step.wait(2)
        assert (outcome.exit_code, outcome.is_stopped) == (5, True)

    def test_stubborn(self, launch, barrier):
        """The second rung is SIGKILL, after the grace and not before."""
        step = launch(f"{IGNORE_TERM} {barrier.report}; {SLEEP}", stop_grace_seconds=0.3)
        barrier.wait()
        started = time.monotonic()

        step.stop()

        assert step.wait(20).signal == signal.SIGKILL
        assert 0.3 <= time.monotonic() - started < 1.5

    def test_second_stop_shortens(self, launch, barrier):
        """A second request can shorten the grace of the first, never prolong it."""
        step = launch(f"{IGNORE_TERM} {barrier.report}; {SLEEP}")
        barrier.wait()

        step.stop(60)
        step.stop(0.05)
        step.stop(60)

        assert step.wait(5).signal == signal.SIGKILL

    def test_whole_group(self, launch, barrier, has_ended):
        """Children of the script get SIGTERM as well."""
        child = f"import signal, sys; signal.signal(15, lambda *_: sys.exit(0)); {barrier.report}; {SLEEP}"
        step = launch(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])")
        (pid,) = barrier.wait()

        step.stop()

        assert step.wait(2) is not None
        assert has_ended(pid, 0)

    def test_stubborn_daemon(self, launch, barrier, has_ended):
        """What left the session and ignores SIGTERM is killed with the script, before its end is reported."""
        source = DAEMON.format(ignore=IGNORE_TERM, report=barrier.report, sleep=SLEEP) + SLEEP
        step = launch(source, stop_grace_seconds=0.1)
        (pid,) = barrier.wait()

        step.stop()

        assert step.wait(5) is not None
        assert has_ended(pid, 0)

    def test_after_the_end(self, launch):
        """Stopping what has ended does nothing and changes no outcome."""
        step = launch()
        step.wait(20)

        step.stop()

        assert step.wait().succeeded

    def test_from_a_signal_handler(self, launch, barrier):
        """A waiting operator can stop its step from a signal handler, as Airflow's on_kill does."""
        step = launch(f"{barrier.report}; {SLEEP}")
        barrier.wait()
        former = signal.signal(signal.SIGUSR1, lambda *_: step.stop())
        try:
            subprocess.Popen(["/bin/kill", "-USR1", str(os.getpid())])

            assert step.wait(20).signal == signal.SIGTERM
        finally:
            signal.signal(signal.SIGUSR1, former)

    def test_leaving_the_context(self, make_request, barrier, has_ended):
        """An exception in the operator stops the step that it started."""
        step = ProcessLauncher().launch(make_request(f"{barrier.report}; {SLEEP}"))

        with pytest.raises(KeyError), step:
            raise KeyError(barrier.wait())

        assert has_ended(step.pid, 0)


class TestBackground:
    def test_killed_with_the_script(self, launch, barrier, has_ended):
        """A daemon that a successful script leaves behind is ended before the step is."""
        step = launch(DAEMON.format(ignore="pass", report=barrier.report, sleep=SLEEP))
        (pid,) = barrier.wait()

        assert step.wait(5).succeeded
        assert has_ended(pid, 0)

    def test_stubborn(self, launch, barrier, has_ended):
        """A daemon that ignores SIGTERM is killed within a second."""
        step = launch(DAEMON.format(ignore=IGNORE_TERM, report=barrier.report, sleep=SLEEP))
        (pid,) = barrier.wait()
        started = time.monotonic()

        assert step.wait(5).succeeded
        assert has_ended(pid, 0)
        assert time.monotonic() - started < 1.5

    def test_may_leave_by_itself(self, launch, tmp_path):
        """A helper that ends shortly after its parent does so in peace, as multiprocessing's resource tracker must."""
        helper = "import os, sys; sys.stdin.read(); open('left', 'w')"
        source = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {helper!r}], stdin=subprocess.PIPE)"

        assert launch(source).wait(5).succeeded
        assert (tmp_path / "left").exists()


class TestStartFailure:
    def test_missing_program(self, launch, tmp_path):
        """A program that is not there is named."""
        with pytest.raises(RunEnvironmentException, match=r"program '/no/such/python' does not exist"):
            launch(argv=("/no/such/python", "x.py"))

    def test_not_on_path(self, launch):
        """A bare name that is nowhere on the step's PATH is named with that PATH."""
        with pytest.raises(RunEnvironmentException, match=r"'no-such-tool' is not found on the step's PATH '/usr/bin'"):
            launch(argv=("no-such-tool",), environment={"PATH": "/usr/bin"})

    def test_not_executable(self, launch, tmp_path):
        """A file without the executable bit is told from a missing one."""
        (tmp_path / "script.py").write_text("pass")

        with pytest.raises(RunEnvironmentException, match=r"'./script.py' is not executable; chmod"):
            launch(argv=("./script.py",))

    def test_not_a_program(self, launch, tmp_path):
        """An executable file without a first line that says how to run it is explained."""
        (tmp_path / "script").write_text("pass")
        (tmp_path / "script").chmod(0o755)

        with pytest.raises(RunEnvironmentException, match="has no '#!' line"):
            launch(argv=("./script",))

    def test_missing_interpreter(self, launch, tmp_path):
        """A script whose interpreter is gone names the interpreter, since the script itself is there."""
        (tmp_path / "script").write_text("#!/no/such/python -u\n")
        (tmp_path / "script").chmod(0o755)

        with pytest.raises(RunEnvironmentException, match="needs '/no/such/python -u', which does not exist"):
            launch(argv=("./script",))

    def test_folder(self, launch, tmp_path):
        """A folder in place of a program is said to be one."""
        with pytest.raises(RunEnvironmentException, match="is a folder"):
            launch(argv=(str(tmp_path),))

    def test_too_long_argument(self, launch):
        """One argument above the system's limit is named with both sizes."""
        with pytest.raises(UserErrorException, match=r"argument 4 has 1,000,000 bytes, and Linux allows 131,071"):
            launch("pass", "short", "x" * 1_000_000)

    def test_too_many_arguments(self, launch):
        """Arguments that are too long together are told with their sum."""
        with pytest.raises(UserErrorException, match=r"10,003 arguments .* bytes together"):
            launch("pass", *["x" * 1000] * 10_000)

    def test_missing_directory(self, launch, tmp_path):
        """A working directory that is not there is named."""
        with pytest.raises(UserErrorException, match=r"working directory '.*nowhere' cannot be entered: no such"):
            launch(cwd=tmp_path / "nowhere")

    def test_log_cannot_be_written(self, launch, tmp_path):
        """A log that cannot be opened is named, and nothing is started."""
        with pytest.raises(ServiceException, match=r"No such file or directory \(.*nowhere/log.txt"):
            launch(log_path=tmp_path / "nowhere" / "log.txt")

    def test_leaves_nothing(self, launch, marker):
        """A start that failed leaves no process."""
        with pytest.raises(RunEnvironmentException):
            launch(argv=("/no/such/python",))

        assert find_orphans(marker) == ()

    def test_keeper_without_interpreter(self, make_request):
        """A worker whose own interpreter is gone is the machine's fault, so it is retried."""
        with pytest.raises(ServiceException, match=os.strerror(errno.ENOENT)):
            ProcessLauncher(interpreter="/no/such/python").launch(make_request())


class TestCrash:
    OPERATOR = """
import sys, time
from pathlib import Path
from airflow_ml.compute.process_launcher import ProcessLauncher
from airflow_ml.compute.request import ProcessRequest
folder = Path(sys.argv[1])
step = ProcessLauncher().launch(ProcessRequest(
    argv=(sys.executable, "-c", sys.argv[3]), cwd=folder, environment={}, log_path=folder / "log.txt",
    attempt_directory=folder, marker=sys.argv[2], stop_grace_seconds=60,
))
print(step.keeper_pid, step.pid, flush=True)
step.wait()
"""

    @pytest.fixture
    def operator(self, tmp_path, marker):
        """Start a process that launches a script and waits; returns it, the keeper's id and the script's."""

        def start(source):
            command = [sys.executable, "-c", self.OPERATOR, str(tmp_path), marker, source]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            keeper, script = process.stdout.readline().split()
            process.stdout.close()
            started.append(process)
            return process, int(keeper), int(script)

        started = []
        yield start
        for process in started:
            process.kill()
            process.wait()

    def test_operator_killed(self, operator, barrier, marker, has_ended, tmp_path):
        """Kill -9 of the operator leaves no process a second later, stubborn daemons included, and a written result."""
        source = DAEMON.format(ignore=IGNORE_TERM, report=barrier.report, sleep=SLEEP) + IGNORE_TERM + SLEEP
        process, keeper, _ = operator(source)
        barrier.wait()

        process.kill()

        assert has_ended(keeper, 1.0)
        assert find_orphans(marker) == ()
        assert read_outcome(tmp_path).is_stopped

    def test_life_line_held_by_a_fork(self, launch, barrier, has_ended, tmp_path, marker):
        """The operator's death is seen even if a fork of it lives on and holds the life line open."""
        source = self.OPERATOR.replace("step.wait()", "import os\nif os.fork() == 0:\n    time.sleep(600)\nstep.wait()")
        command = [sys.executable, "-c", source, str(tmp_path), marker, f"{barrier.report}; {SLEEP}"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
        keeper = int(process.stdout.readline().split()[0])
        barrier.wait()

        process.kill()

        assert has_ended(keeper, 1.0)
        os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()

    def test_keeper_killed(self, launch, barrier, has_ended):
        """Kill -9 of the keeper takes the script and its children along and is told as a lost step."""
        child = f"{barrier.report}; {SLEEP}"
        source = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}]); {child}"
        step = launch(source)
        pids = barrier.wait(2)

        os.kill(step.keeper_pid, signal.SIGKILL)

        with pytest.raises(StepLostError, match=r"its keeper .* was killed by signal 9"):
            step.wait(20)
        assert all(has_ended(pid, 0) for pid in pids)

    def test_both_killed(self, operator, barrier, marker, has_ended):
        """Kill -9 of operator and keeper at once takes the script along."""
        process, keeper, script = operator(f"{barrier.report}; {SLEEP}")
        barrier.wait()

        os.kill(keeper, signal.SIGKILL)
        process.kill()

        assert has_ended(script, 1.0)
        assert find_orphans(marker) == ()

    def test_keeper_terminated(self, launch, barrier):
        """SIGTERM to the keeper itself ends the step in order."""
        step = launch(f"{barrier.report}; {SLEEP}")
        barrier.wait()

        os.kill(step.keeper_pid, signal.SIGTERM)

        assert step.wait(5).signal == signal.SIGTERM

    def test_no_result_of_an_earlier_script(self, launch, barrier, tmp_path):
        """A result in the directory that another script wrote is not taken for this one's."""
        launch().wait(20)
        step = launch(f"{barrier.report}; {SLEEP}")
        barrier.wait()

        os.kill(step.keeper_pid, signal.SIGKILL)

        with pytest.raises(StepLostError):
            step.wait(20)
