"""Hosts with one PostgreSQL registry and one datastore, and nothing else in common: they agree, and compute once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import Registry, open_registry

pytestmark = pytest.mark.postgres

HOST = Path(__file__).with_name("host.py")

SOURCES = {
    "src/prepare.py": "import os, sys\nout, raw, words = sys.argv[1:4]\n"
    "found = [open(os.path.join(raw, name)).read() for name in sorted(os.listdir(raw))]\n"
    "open(out, 'w').write(' '.join([*found, open(os.path.join(words, 'w.txt')).read(), sys.argv[5]]))\n",
    "src/train.py": "import sys\nopen(sys.argv[2], 'w').write(open(sys.argv[1]).read() + '!')\n",
    "src/settings.json": '{"deep": true}\n',
    "src/run.sh": "#!/bin/sh\ntrue\n",
    "src/.amlignore": "*.log\n",
    "library/shared.py": "SHARED = 1\n",
}


@dataclass(frozen=True)
class Host:
    """A checkout with a home of its own."""

    checkout: Path
    environment: dict[str, str]

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a process that waits for a line before it does something."""
        return subprocess.Popen(
            [sys.executable, str(HOST), command],
            cwd=self.checkout,
            env={**os.environ, **self.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, command: str) -> dict:
        """Let a process do something, and return what it says."""
        [found] = answers([self.start(command)])
        return found


def answers(processes: list[subprocess.Popen[str]]) -> list[dict]:
    """Let processes that are all ready begin at once, and return what they say."""
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return [json.loads(process.communicate(timeout=240)[0]) for process in processes]


@pytest.fixture
def registry(postgres_url, tmp_path, monkeypatch) -> Iterator[Registry]:
    """The registry of a workspace whose datastores lie in a folder that all hosts see."""
    monkeypatch.setenv("AIRFLOW_ML_HOME", str(tmp_path / "home"))
    with open_registry(WorkspaceRef("w", registry_url=postgres_url)) as registry:
        for name in ("workspaceblobstore", "workspaceartifactstore"):
            settings = {"kind": "local", "root": str(tmp_path / "shared" / name)}
            registry.datastores.put(name, type="AzureBlob", settings=settings)
        data = tmp_path / "shared" / "workspaceblobstore"
        for path, text in {"raw/a.csv": "1", "raw/b.csv": "2", "words/w.txt": "w"}.items():
            (data / path).parent.mkdir(parents=True, exist_ok=True)
            (data / path).write_text(text)
        yield registry


@pytest.fixture
def host(registry, postgres_url, tmp_path) -> Callable[..., Host]:
    """Return a function that makes a host, whose files differ in everything that must not count."""

    def make(
        name: str, *, umask: int = 0o022, line_end: str = "\n", time: int = 10**9, is_backwards: bool = False
    ) -> Host:
        checkout = tmp_path / name / "deep" / "checkout of" / name
        old = os.umask(umask)
        try:
            for path in sorted(SOURCES, reverse=is_backwards):
                text = SOURCES[path] if path.endswith((".sh", ".amlignore")) else SOURCES[path].replace("\n", line_end)
                (checkout / path).parent.mkdir(parents=True, exist_ok=True)
                (checkout / path).write_bytes(text.encode())
                if path.endswith(".sh"):
                    (checkout / path).chmod(0o777 & ~umask)
                os.utime(checkout / path, (time, time))
        finally:
            os.umask(old)
        (checkout / "src" / "old.log").write_text(name)
        environment = {
            "AIRFLOW_ML_HOME": str(tmp_path / name / "home"),
            "AIRFLOW_ML_REGISTRY": postgres_url,
            "USER": name,
            "PYTHONHASHSEED": str(time % 1000),
        }
        return Host(checkout, environment)

    return make


@pytest.fixture
def hosts(host) -> tuple[Host, Host]:
    """Two hosts."""
    return host("laptop"), host("ci", umask=0o077, line_end="\r\n", time=10**9 + 12345, is_backwards=True)


def test_two_hosts_agree_on_every_fingerprint_and_share_results(hosts):
    """What one host computed the other takes, whatever its checkout looks like; and then both plan the same."""
    one, other = hosts
    before = [host.do("plan")["prepare"] for host in hosts]

    computed, reused = one.do("run"), other.do("run")

    assert before[0] == before[1] is not None
    assert [step["by"] for step in reused.values()] == [step["id"] for step in computed.values()]
    assert reused["train"]["text"] == "1 2 w 0.1!"
    plans = [host.do("plan") for host in hosts]
    assert plans[0] == plans[1]
    assert None not in plans[0].values()


def test_both_see_changed_data_and_changed_code(hosts, tmp_path):
    """A change of shared data is seen by both; a change of one checkout is one host's alone."""
    one, other = hosts
    one.do("run")
    other.do("plan")  # its own cache of digests knows the data now
    (tmp_path / "shared/workspaceblobstore/raw/a.csv").write_text("9")

    computed, reused = other.do("run"), one.do("run")

    assert computed["prepare"]["text"] == "9 2 w 0.1"
    assert [step["by"] for step in reused.values()] == [step["id"] for step in computed.values()]
    with (other.checkout / "library/shared.py").open("a") as file:
        file.write("# more\n")
    assert other.do("plan")["prepare"] != one.do("plan")["prepare"]


def test_ten_at_once_compute_once(hosts, registry):
    """Ten equal runs that begin at the same moment on two hosts compute each step once, and all have its result."""
    found = answers([hosts[number % 2].start("run") for number in range(10)])

    for name in ("prepare", "train"):
        assert len({run[name]["by"] for run in found}) == 1
        assert len({run[name]["id"] for run in found}) == 10
        assert len(registry.results.list(step=name)) == 1
    assert {run["train"]["text"] for run in found} == {"1 2 w 0.1!"}
