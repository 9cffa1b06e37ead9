"""The record of the background service: which process it is, and whether that still lives."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from airflow_ml.registry import Home
from airflow_ml.translation.service import find_running
from airflow_ml.translation.service_control import service_status, start_service, stop_service
from airflow_ml.translation.service_files import ServiceFiles, ServiceRecord, birth_of, is_alive


@pytest.fixture
def files(home: Path) -> ServiceFiles:
    """Return the service's places, made."""
    files = ServiceFiles.of(Home.default())
    files.make()
    return files


@pytest.fixture
def process():
    """Start a process that lives until the test ends."""
    with subprocess.Popen(["sleep", "60"]) as started:
        yield started
        started.kill()


def test_living_process_is_found_by_its_record(files: ServiceFiles, process: subprocess.Popen[bytes]):
    """A service that has answered and whose process lives is running."""
    files.write_record(record_of(process.pid))

    assert find_running().url == "http://127.0.0.1:1"


def test_killed_process_is_not_running(files: ServiceFiles, process: subprocess.Popen[bytes]):
    """A record whose process is dead, waited for or not, counts as no service."""
    record = record_of(process.pid)
    files.write_record(record)
    process.kill()
    wait_for_death(process.pid)

    assert not is_alive(record)
    assert find_running() is None
    assert service_status().state == "stopped"


def test_another_process_of_the_same_id_is_not_the_service(files: ServiceFiles, process: subprocess.Popen[bytes]):
    """A process that was born at another time than the record says is another one."""
    files.write_record(ServiceRecord(process.pid, "another-boot:1", "http://127.0.0.1:1", "", "running"))

    assert find_running() is None


def test_service_that_starts_is_not_taken_before_it_answers(files: ServiceFiles, process: subprocess.Popen[bytes]):
    """Submitting does not wait for a service that is being started."""
    files.write_record(ServiceRecord(process.pid, birth_of(process.pid), "http://127.0.0.1:1", "", "starting"))

    assert find_running() is None
    assert service_status().state == "starting"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_damaged_record_is_no_service(files: ServiceFiles, text: str):
    """A record that cannot be read is like none."""
    files.record.write_text(text)

    assert find_running() is None


def test_secrets_are_for_the_owner_alone(files: ServiceFiles):
    """Nobody else may look into the service's folder; its password is made once."""
    password = files.password()
    files.make()

    assert files.password() == password
    assert len(password) > 15
    assert stat.S_IMODE(files.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(files.passwords.stat().st_mode) == 0o600


def test_stopping_nothing_says_so(home: Path):
    """Stopping a service that was never started does nothing."""
    assert stop_service() is False
    assert list(home.iterdir()) == []


def test_airflow_that_ends_at_its_start_is_an_error_with_the_log(files: ServiceFiles, monkeypatch: pytest.MonkeyPatch):
    """A start that fails raises, names the log, and leaves no record."""
    broken = files.root.parent / "broken"
    broken.mkdir()
    (broken / "airflow.py").write_text("raise SystemExit('no Airflow today')")
    monkeypatch.setenv("PYTHONPATH", str(broken))

    with pytest.raises(Exception, match=r"Airflow ended while it started.*service\.log.*no Airflow today"):
        start_service(port=0)

    assert not files.record.exists()


def test_finding_a_service_imports_no_airflow():
    """Asking whether a service runs imports neither Airflow nor an HTTP client."""
    code = (
        "import json, sys; from airflow_ml.translation.service import find_running; find_running();"
        "print(json.dumps([name for name in ('airflow', 'urllib.request', 'httpx') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert json.loads(done.stdout) == []


def record_of(pid: int) -> ServiceRecord:
    """Return the record of a service that has answered, on a port where nobody listens."""
    return ServiceRecord(pid, birth_of(pid), "http://127.0.0.1:1", "sqlite", "running")


def wait_for_death(pid: int) -> None:
    """Wait until a killed child is dead, without waiting for it as its parent."""
    while birth_of(pid) is not None:
        pass
