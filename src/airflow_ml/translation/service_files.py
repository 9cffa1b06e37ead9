"""
Where the background service keeps its things, and the small file that says which process it is.

Reading the record must be cheap: every submit asks it. So nothing here imports more than the standard library.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from airflow_ml.translation.service_preload import SETTINGS_FILE

if TYPE_CHECKING:
    from airflow_ml.registry import Home

__all__ = ["ServiceFiles", "ServiceRecord", "birth_of", "is_alive"]

_PROCESSES = Path("/proc")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True)
class ServiceRecord:
    """
    The service as it was started.

    Attributes:
        birth: tells the process from a later one with the same id.
        database: without user's password and options.
        phase: `starting` until it has answered.
    """

    pid: int
    birth: str
    url: str
    database: str
    phase: Literal["starting", "running"] = "starting"


@dataclass(frozen=True)
class ServiceFiles:
    """The service's folder, which is its AIRFLOW_HOME as well; readable by its owner alone."""

    root: Path
    lock: Path

    @classmethod
    def of(cls, home: Home) -> ServiceFiles:
        """Return the places under a home folder; nothing is made."""
        return cls(root=home.root / "service", lock=home.locks / "service.lock")

    @property
    def record(self) -> Path:
        """The record of the running service."""
        return self.root / "service.json"

    @property
    def log(self) -> Path:
        """What all parts of Airflow print; the one of the start before is kept beside it as `service.log.1`."""
        return self.root / "service.log"

    @property
    def dags(self) -> Path:
        """DAG files that people put there; submitted and published pipelines need none."""
        return self.root / "dags"

    @property
    def workspaces(self) -> Path:
        """What lists the workspaces whose pipelines are DAGs of the service."""
        return self.root / "workspaces"

    @property
    def bundles(self) -> Path:
        """What Airflow keeps of DAG bundles."""
        return self.root / "bundles"

    @property
    def database(self) -> Path:
        """Airflow's metadata, where no other database is named."""
        return self.root / "airflow.db"

    @property
    def write_lock(self) -> Path:
        """By which clients of the service write one after the other; see `AirflowClient`."""
        return self.lock.with_name("service-writes.lock")

    @property
    def passwords(self) -> Path:
        """JSON with the password of each of Airflow's users; the place is Airflow's."""
        return self.root / "simple_auth_manager_passwords.json.generated"

    def make(self) -> None:
        """Make the folders, the file that Airflow's parts import, and a password for `admin` if there is none."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        self.dags.mkdir(exist_ok=True)
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        (self.root / "config").mkdir(exist_ok=True)
        _write_private(self.root / "config" / "airflow_local_settings.py", SETTINGS_FILE)
        if not self.passwords.exists():
            # Airflow would make one too, but print it into the log.
            _write_private(self.passwords, json.dumps({"admin": secrets.token_urlsafe(16)}) + "\n")

    def read_record(self) -> ServiceRecord | None:
        """Return the record, or None if there is none that can be read."""
        try:
            return ServiceRecord(**json.loads(self.record.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write_record(self, record: ServiceRecord) -> None:
        """Replace the record."""
        _write_private(self.record, json.dumps(asdict(record), indent=1) + "\n")

    def note_running(self, record: ServiceRecord) -> ServiceRecord:
        """Record that the service has answered."""
        running = replace(record, phase="running")
        self.write_record(running)
        return running

    def password(self) -> str:
        """Return the password of Airflow's user `admin`."""
        return str(json.loads(self.passwords.read_text(encoding="utf-8"))["admin"])


def _write_private(path: Path, text: str) -> None:
    """Write a file that its owner alone can read, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def birth_of(pid: int) -> str | None:
    """
    Return what tells a living process from all others of its id, or None if it does not live.

    Without /proc that is the empty text for every living process.
    """
    if not _BOOT_ID.exists():
        return "" if _exists(pid) else None
    try:
        text = (_PROCESSES / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field, the program's name, may hold blanks and brackets.
    fields = text.rpartition(")")[2].split()
    state, started = fields[0], fields[19]
    return None if state in "ZX" else f"{_BOOT_ID.read_text(encoding='ascii').strip()}:{started}"


def is_alive(record: ServiceRecord) -> bool:
    """Whether the process of the record lives."""
    return birth_of(record.pid) == record.birth


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
