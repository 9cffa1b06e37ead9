from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from airflow_ml.compute.request import Outcome, ProcessRequest, inherited_environment, is_secret_name
from airflow_ml.exceptions import UserErrorException

START = datetime(2026, 1, 1, tzinfo=timezone.utc)


def make_request(**options) -> ProcessRequest:
    """Make a request with these fields and harmless others."""
    settings = {
        "argv": ("python", "a b.py"),
        "cwd": Path("/w"),
        "environment": {},
        "log_path": Path("/w/log"),
        "attempt_directory": Path("/w"),
        "marker": "run-1",
    }
    return ProcessRequest(**{**settings, **options})


def make_outcome(**options) -> Outcome:
    """Make an outcome with these fields and harmless others."""
    settings = {"exit_code": None, "signal": None, "started_at": START, "ended_at": START, "pid": 1}
    return Outcome(**{**settings, **options})


class TestRequest:
    @pytest.mark.parametrize(
        ("options", "text"),
        [
            ({"argv": ()}, r"empty command: argv is \(\)"),
            ({"argv": ("",)}, "empty command"),
            ({"argv": ("python", 3)}, r"argument 1 is int, expected text"),
            ({"argv": ("python", "a\0b")}, "argument 1 holds a NUL character"),
            ({"argv": ("python", "\ud800")}, "argument 1 cannot be encoded as utf-8"),
            ({"environment": {"A": "x\0"}}, "environment variable 'A' holds a NUL"),
            ({"environment": {"A": None}}, "environment variable 'A' is NoneType"),
            ({"environment": {"A=B": "x"}}, "environment variable 'A=B': a name"),
            ({"cwd": Path("relative")}, "cwd 'relative' is relative"),
            ({"log_path": Path("log")}, "log_path 'log' is relative"),
            ({"marker": ""}, "marker is empty"),
            ({"stop_grace_seconds": -1.0}, "stop_grace_seconds is -1.0"),
            ({"stop_grace_seconds": float("nan")}, "stop_grace_seconds is nan"),
        ],
    )
    def test_checked_when_made(self, options, text):
        """What no process can be started with is refused at once, by name."""
        with pytest.raises(UserErrorException, match=text):
            make_request(**options)

    def test_printable(self):
        """The printable command can be pasted into a shell."""
        assert str(make_request()) == "python 'a b.py'"

    def test_secret_values_are_masked_in_the_command(self):
        """The value of a secret variable is masked wherever it occurs in the command."""
        request = make_request(argv=("curl", "https://u:hunter22@h/"), environment={"DB_PASSWORD": "hunter22"})

        assert str(request) == "curl https://u:***@h/"

    def test_repr_hides_the_environment(self):
        """A request in a traceback shows no variable at all."""
        assert "hunter22" not in repr(make_request(environment={"HARMLESS": "hunter22"}))

    @pytest.mark.parametrize("name", ["AZURE_CLIENT_SECRET", "TOKEN", "AccountKey", "PGPASSWORD", "SAS", "API_KEY"])
    def test_secret_names(self, name):
        """Usual names of secrets are known, in any case."""
        assert is_secret_name(name)

    @pytest.mark.parametrize("name", ["PATH", "PWD", "HOME", "KEYBOARD", "MONKEY", "SSH_AUTH_SOCK", "SASH"])
    def test_harmless_names(self, name):
        """Names that merely contain such letters are shown."""
        assert not is_secret_name(name)


class TestOutcome:
    def test_out_of_memory(self):
        """SIGKILL from nowhere names its usual cause."""
        assert str(make_outcome(signal=9)) == "killed by signal 9 (SIGKILL), often the kernel's out-of-memory killer"

    def test_stopped(self):
        """The same signal after a stop is no riddle."""
        assert str(make_outcome(signal=9, is_stopped=True)) == "killed by signal 9 (SIGKILL) because it was stopped"

    def test_unnamed_signal(self):
        """Signals without a name are told by number."""
        assert make_outcome(signal=40).killed == "killed by signal 40 (real-time signal)"

    def test_exit_code(self):
        """An exit code is told as such, and nothing was killed."""
        outcome = make_outcome(exit_code=3, ended_at=START + timedelta(seconds=2))

        assert (str(outcome), outcome.killed, outcome.duration) == ("ended with exit code 3", None, 2.0)


def test_inherited_environment():
    """A step takes over the worker's environment without the worker's own business."""
    worker = {
        "PATH": "/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AIRFLOW__CORE__FERNET_KEY": "x",
        "AIRFLOW_CONN_DB": "y",
        "AIRFLOW_HOME": "/a",
    }

    assert inherited_environment(worker) == {"PATH": "/bin", "AIRFLOW_HOME": "/a"}
