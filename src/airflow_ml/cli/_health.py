"""
What `airflow-ml doctor` looks at: whether this machine and its workspaces are set up so that pipelines run.

Every check says what is wrong and what to type. What only some pipelines need (an engine of containers, devices, a
service) is no problem where it is missing; one that is there and does not work is.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Literal, cast

from airflow_ml._late import late
from airflow_ml._version import __version__
from airflow_ml.exceptions import AzureMLException
from airflow_ml.execution.stores import Stores
from airflow_ml.registry.fernet_keys import KEY_VARIABLES, fernet_keys
from airflow_ml.registry.home import Home

if TYPE_CHECKING:
    from airflow_ml.compute import device_status, docker_engine
    from airflow_ml.core.workspace import Workspace
    from airflow_ml.graph import Json
    from airflow_ml.translation import airflow_service
else:
    airflow_service = late("airflow_ml.translation.airflow_service")
    device_status = late("airflow_ml.compute.device_status")
    docker_engine = late("airflow_ml.compute.docker_engine")

__all__ = ["Check", "check_machine", "check_workspace"]

_OLDEST_AIRFLOW = (3, 3)
_LEAST_FREE = 2 * 10**9
_PLUGIN_GROUP = "airflow.plugins"


@dataclass(frozen=True)
class Check:
    """
    What came of one look.

    Attributes:
        advice: what to do, or to type; empty where nothing need be done.
    """

    what: str
    state: Literal["ok", "missing", "problem"]
    text: str
    advice: str = ""

    def to_data(self) -> dict[str, Json]:
        """Return the check as JSON."""
        return {"what": self.what, "state": self.state, "text": self.text, "advice": self.advice}


def check_machine() -> Iterator[Check]:
    """Look at what all workspaces of this machine need."""
    for look in (_airflow, _plugin, _home, _key, _tools, _engine, _devices):
        yield from _guarded(look.__name__.strip("_"), look)


def check_workspace(workspace: Workspace) -> Iterator[Check]:
    """Look at a workspace: its database, its datastores, the Airflow that runs its pipelines."""
    name = workspace.name
    yield from _guarded(f"database of {name}", lambda: _database(workspace))
    yield from _guarded(f"service of {name}", lambda: _service(workspace))
    for record in workspace.registry().datastores.list():
        yield from _guarded(f"datastore {record.name}", lambda record=record: _store(workspace, record.name))  # type: ignore[misc]


def _guarded(what: str, look: Callable[[], Iterator[Check]]) -> Iterator[Check]:
    """Give what a look finds, and its error as a problem: one that fails keeps no other from being done."""
    try:
        yield from look()
    except AzureMLException as error:
        text, _, advice = " ".join(str(error).split()).partition("; ")
        yield Check(what, "problem", text, advice)
    except OSError as error:
        yield Check(what, "problem", f"{type(error).__name__}: {error}")


def _airflow() -> Iterator[Check]:
    python = ".".join(map(str, sys.version_info[:3]))
    yield Check("airflow-ml", "ok", f"version {__version__}, Python {python}, {sys.executable}")
    try:
        version = metadata.version("apache-airflow-core")
    except metadata.PackageNotFoundError:
        yield Check("airflow", "problem", "is not installed in this environment", "pip install 'apache-airflow>=3.3'")
        return
    parts = tuple(int(part) for part in version.split(".")[:2])
    if parts < _OLDEST_AIRFLOW:
        yield Check("airflow", "problem", f"version {version} is too old", "pip install 'apache-airflow>=3.3'")
    else:
        yield Check("airflow", "ok", f"version {version}")


def _plugin() -> Iterator[Check]:
    """Airflow finds plugins by their entry points; one install of the package is enough, a bare path is not."""
    found = [entry for entry in metadata.entry_points(group=_PLUGIN_GROUP) if entry.name == "airflow_ml"]
    if found:
        yield Check("plugin", "ok", "Airflow of this environment finds it")
    else:
        text = "Airflow does not find it: the package is on the path, and not installed"
        yield Check("plugin", "problem", text, "pip install airflow-ml where Airflow runs, and restart it")


def _home() -> Iterator[Check]:
    root = Home.default().root
    place = next(parent for parent in (root, *root.parents) if parent.exists())
    free = shutil.disk_usage(place).free
    if free < _LEAST_FREE:
        advice = "airflow-ml environments prune, airflow-ml reuse gc, or AIRFLOW_ML_HOME=/a/larger/disk"
        yield Check("home", "problem", f"{root}: {free / 1e9:.1f} GB are free", advice)
    else:
        yield Check("home", "ok", f"{root}: {free / 1e9:.0f} GB are free")


def _key() -> Iterator[Check]:
    home = Home.default()
    had_own = home.fernet_key.exists()
    keys = fernet_keys(home)
    if had_own or home.fernet_key.exists():
        text = f"secrets are encrypted with a key of this machine, {home.fernet_key}"
        advice = f"for several machines give all of them one key: {KEY_VARIABLES[0]}, or [core] fernet_key"
        yield Check("key", "ok", text, advice)
    else:
        yield Check("key", "ok", f"secrets are encrypted with Airflow's key ({len(keys)} known)")


def _tools() -> Iterator[Check]:
    for name, why in (("uv", "installs the packages of steps' environments"), ("git", "notes the state of the code")):
        place = shutil.which(name)
        if place is None and name == "uv":
            place = "the package uv" if _is_installed("uv") else None
        text = f"{why}: {place}" if place else f"is not found; it {why}"
        yield Check(name, "ok" if place else "missing", text, "" if place else f"install {name}")


def _is_installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _engine() -> Iterator[Check]:
    engine = docker_engine.DockerEngine()
    if not engine.socket.exists():
        text = f"there is none at {engine.socket}; only steps in containers need one"
        yield Check("engine", "missing", text, "install Docker, or set DOCKER_HOST")
        return
    with engine.answering("version"):
        version = engine.client.version()["Version"]
    if engine.has_full_disk():
        yield Check("engine", "problem", "the disk of the Docker engine is full", "docker system prune")
    else:
        yield Check("engine", "ok", f"Docker {version} at {engine.socket}")


def _devices() -> Iterator[Check]:
    status = device_status.look(Home.default())
    if status.problem is not None:
        text, _, advice = status.problem.partition("; ")
        yield Check("devices", "problem", text, advice or "nvidia-smi says more")
    elif not status.devices:
        yield Check("devices", "ok", "this machine has no GPUs")
    else:
        free = sum(device.state == "free" for device in status.devices)
        yield Check("devices", "ok", f"{len(status.devices)} devices, {free} free, {len(status.waiting)} wait")


def _database(workspace: Workspace) -> Iterator[Check]:
    registry = workspace.registry()
    registry.runs.list(limit=1)
    url = workspace.ref.registry_url
    where = f"at {url}" if url else f"{registry.home.registry_path}"
    yield Check(f"database of {workspace.name}", "ok", f"answers: {where}")


def _store(workspace: Workspace, name: str) -> Iterator[Check]:
    """Look whether a datastore answers; of a database nothing is asked that could cost much."""
    store = Stores(workspace.registry())(name)
    if hasattr(store, "exists"):
        store.exists("airflow-ml-doctor")
    yield Check(f"datastore {name}", "ok", f"{store.identity}")


def _service(workspace: Workspace) -> Iterator[Check]:
    what = f"service of {workspace.name}"
    found = airflow_service.find_service(workspace.ref)
    if found is None:
        text = "none: submitted pipelines run in processes of their own, one step at a time"
        yield Check(what, "missing", text, "airflow-ml service start, or AIRFLOW_ML_AIRFLOW_URL=https://...")
        return
    client = found.client()
    health = cast("dict[str, dict[str, str]]", client.ask("GET", "/api/v2/monitor/health"))
    ill = sorted(part for part, said in health.items() if said and said.get("status") not in ("healthy", None))
    if ill:
        yield Check(what, "problem", f"{found.url}: unhealthy: {', '.join(ill)}", "look into its log, or restart it")
    else:
        yield Check(what, "ok", f"{found.url} answers")
    plugins = cast("dict[str, list[dict[str, str]]]", client.ask("GET", "/api/v2/plugins"))
    if not any(plugin.get("name") == "airflow_ml" for plugin in plugins.get("plugins", [])):
        advice = "pip install airflow-ml where its API server runs, and restart it"
        yield Check(f"plugin of {found.url}", "problem", "it has not loaded the plugin of airflow-ml", advice)
    else:
        yield Check(f"plugin of {found.url}", "ok", "is loaded")
