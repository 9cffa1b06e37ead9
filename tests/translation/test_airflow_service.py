"""Which Airflow runs a workspace's pipelines, who its user is, and what is asked of it."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from airflow_ml.core import Workspace
from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.graph import Graph, WorkspaceRef
from airflow_ml.registry import open_shared
from airflow_ml.translation import airflow_service
from airflow_ml.translation.airflow_service import RemoteService, check_address, find_service
from airflow_ml.translation.registered_dags import make_runnable, register_dag
from airflow_ml.translation.service_client import AirflowError

ML = WorkspaceRef("ml")

#: Of an Airflow that does not know the DAG, and that finds it when it is asked for the third time.
UNKNOWN = (404, {"detail": "not found"})
KNOWN = (200, {"is_stale": False, "bundle_version": "1"})


class Airflow(ThreadingHTTPServer):
    """Answers as it was told: by method and path, one answer after the other, the last one for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers: dict[str, list[tuple[int, object]]] = {}
        self.asked: list[tuple[str, str, str | None]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"


class Answering(BaseHTTPRequestHandler):
    """Answers one request."""

    server: Airflow

    def do_GET(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = f"{self.command} {self.path.partition('?')[0]}"
        self.server.asked.append((asked, body.decode(), self.headers.get("Authorization")))
        answers = self.server.answers.get(asked, [(404, {"detail": "Not Found"})])
        status, document = answers.pop(0) if len(answers) > 1 else answers[0]
        text = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET  # noqa: N815 - the base looks for that name

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's
        """Say nothing."""


@pytest.fixture
def airflow(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Airflow]:
    """Give an Airflow that the environment names, with a token of its user."""
    with Airflow() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        monkeypatch.setenv("AIRFLOW_ML_AIRFLOW_URL", server.url)
        monkeypatch.setenv("AIRFLOW_ML_AIRFLOW_TOKEN", "the-token")
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def dag(home: Path) -> str:
    """Record a DAG `train` in the workspace."""
    register_dag(open_shared(ML), Graph(name="p", workspace=ML, steps=()), "train")
    return "train"


@pytest.fixture
def config(tmp_path: Path) -> Callable[..., Workspace]:
    """Give a function that reads a workspace's configuration file of some keys."""

    def read(**keys: str) -> Workspace:
        (tmp_path / "config.json").write_text(json.dumps({"workspace_name": "ml", **keys}))
        return Workspace.from_config(str(tmp_path / "config.json"))

    return read


def test_the_address_comes_from_the_nearest_place(home: Path, config, tmp_path: Path, monkeypatch):
    """The environment wins over the workspace's file, and that over Airflow's configuration."""
    monkeypatch.setenv("AIRFLOW_CONFIG", str(tmp_path / "airflow.cfg"))
    found = [find_service(ML)]
    (tmp_path / "airflow.cfg").write_text("[core]\nx = %(y)s\n[airflow_ml]\nairflow_url = https://configured/\n")
    found.append(find_service(ML))
    config(airflow_url="https://file")
    found.append(find_service(ML))
    monkeypatch.setenv("AIRFLOW_ML_AIRFLOW_URL", "https://environment")
    found.append(find_service(ML))
    monkeypatch.delenv("AIRFLOW_ML_AIRFLOW_URL")
    config()

    addresses = [service and service.url for service in (*found, find_service(ML))]
    assert addresses == [None, "https://configured", "https://file", "https://environment", "https://configured"]


@pytest.mark.parametrize("text", ["localhost:8080", "ftp://host", "https://", "https://[half"])
def test_what_is_no_address_is_refused(text: str):
    """The error says what is expected, and from where."""
    with pytest.raises(UserErrorException, match=r"is not one; expected something like 'https://.*AIRFLOW_ML_AIRFLOW"):
        check_address(text)


def test_secrets_are_in_no_address_and_no_file(config):
    """A password in an address, and a token in the workspace's file, are refused and not repeated."""
    with pytest.raises(UserErrorException, match="AIRFLOW_ML_AIRFLOW_TOKEN") as address:
        check_address("https://me:hidden@host")
    with pytest.raises(UserErrorException, match="AIRFLOW_ML_AIRFLOW_TOKEN") as file:
        config(airflow_token="hidden")

    assert "hidden" not in f"{address.value} {file.value}"


def test_the_user_is_logged_in_once(airflow: Airflow, monkeypatch):
    """User and password are exchanged for a token, which is used again."""
    monkeypatch.delenv("AIRFLOW_ML_AIRFLOW_TOKEN")
    monkeypatch.setattr(airflow_service, "_clients", {})
    monkeypatch.setenv("AIRFLOW_ML_AIRFLOW_USER", "ann")
    monkeypatch.setenv("AIRFLOW_ML_AIRFLOW_PASSWORD", "word")
    airflow.answers["POST /auth/token"] = [(201, {"access_token": "made"})]

    tokens = [find_service(ML).client().token for _ in range(2)]

    assert tokens == ["made", "made"]
    assert [json.loads(body) for _, body, _ in airflow.asked] == [{"username": "ann", "password": "word"}]


def test_the_user_may_be_in_netrc(airflow: Airflow, tmp_path: Path, monkeypatch):
    """As for other programs; where nothing says who it is, the error says what to set."""
    monkeypatch.delenv("AIRFLOW_ML_AIRFLOW_TOKEN")
    monkeypatch.setattr(airflow_service, "_clients", {})
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with pytest.raises(UserErrorException, match=r"nothing says who you are; set AIRFLOW_ML_AIRFLOW_TOKEN"):
        find_service(ML).client()
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login ann password word\n")
    (tmp_path / "netrc").chmod(0o600)
    airflow.answers["POST /auth/token"] = [(201, {"access_token": "made"})]

    assert find_service(ML).client().token == "made"


def test_a_plugin_makes_it_runnable_now(airflow: Airflow, dag: str):
    """One request, with the user's token, and nothing is waited for."""
    airflow.answers["POST /airflow-ml/api/v1/workspaces/ml/dags/train/sync"] = [(200, {})]

    assert make_runnable(ML, dag) == "now"
    assert [(asked, token) for asked, _, token in airflow.asked] == [
        ("POST /airflow-ml/api/v1/workspaces/ml/dags/train/sync", "Bearer the-token")
    ]


def test_without_the_plugin_it_is_found_later(airflow: Airflow, dag: str):
    """The bundle's refresh finds it; whoever wants to can wait for that."""
    airflow.answers["GET /api/v2/dags/train"] = [UNKNOWN, (200, {"is_stale": True, "bundle_version": "1"}), KNOWN]
    airflow.answers["GET /api/v2/importErrors"] = [(200, {"import_errors": []})]

    assert make_runnable(ML, dag) == "after the bundle's refresh"
    assert make_runnable(ML, dag, wait=True) == "now"


def test_an_older_version_is_not_enough(airflow: Airflow, dag: str):
    """Waiting ends when Airflow has the newest version, not before."""
    register_dag(open_shared(ML), Graph(name="p", workspace=ML, steps=()), dag, schedule="@daily")
    airflow.answers["GET /api/v2/dags/train"] = [KNOWN, KNOWN, (200, {"is_stale": False, "bundle_version": "2"})]
    airflow.answers["GET /api/v2/importErrors"] = [(200, {"import_errors": []})]

    assert make_runnable(ML, dag, wait=True) == "now"
    assert len([asked for asked, _, _ in airflow.asked if asked == "GET /api/v2/dags/train"]) == 3


def test_a_dag_that_airflow_cannot_read_ends_the_wait(airflow: Airflow, dag: str):
    """What Airflow says of its file is the error."""
    error = {"timestamp": "2999-01-01T00:00:00Z", "stack_trace": "Traceback\nValueError: the reason\n"}
    of_another, old, new = ({**error, "filename": f"ml/{name}.py"} for name in ("re-train", "train", "train"))
    old |= {"timestamp": "1999-01-01T00:00:00Z", "stack_trace": "another"}
    errors = [of_another, old, new]
    airflow.answers["GET /api/v2/importErrors"] = [(200, {"import_errors": errors})]

    with pytest.raises(ServiceException, match="DAG 'train' cannot be read: ValueError: the reason"):
        make_runnable(ML, dag, wait=True)


def test_what_the_plugin_refuses_is_said(airflow: Airflow, dag: str):
    """Its sentence reaches the caller; the token does not."""
    airflow.answers["POST /airflow-ml/api/v1/workspaces/ml/dags/train/sync"] = [(501, {"detail": "add a bundle"})]

    with pytest.raises(AirflowError, match="add a bundle") as refused:
        make_runnable(ML, dag)

    assert "the-token" not in str(refused.value)


def test_an_airflow_that_does_not_answer_is_named(home: Path, dag: str, monkeypatch):
    """The error has the address and the reason."""
    monkeypatch.setenv("AIRFLOW_ML_AIRFLOW_TOKEN", "the-token")

    with pytest.raises(AirflowError, match=r"Airflow at http://127\.0\.0\.1:1: no answer to POST .* refused"):
        RemoteService("http://127.0.0.1:1").tell(ML, dag)


def test_without_a_service_nothing_is_asked(home: Path, dag: str, monkeypatch, tmp_path: Path):
    """Runs are driven where they are submitted then."""
    monkeypatch.setenv("AIRFLOW_CONFIG", str(tmp_path / "none.cfg"))

    assert make_runnable(ML, dag) == "no service"
