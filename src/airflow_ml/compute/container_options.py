"""How a step's container is made: what it may do, what it sees, and what it can take at the most."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_ml.compute.devices import FAKE_PREFIX
from airflow_ml.compute.docker_engine import LABEL_PREFIX

if TYPE_CHECKING:
    from airflow_ml.compute.container import Container
    from airflow_ml.compute.request import ProcessRequest

__all__ = ["create_options"]

#: The engine keeps what the first process prints, which is nothing: the script's output goes into the step's log.
_LOG = {"type": "json-file", "config": {"max-size": "1m", "max-file": "1"}}
#: Both the script and the shell that waits for it are asked to end.
_GROUP = {"TINI_KILL_PROCESS_GROUP": "1"}


def create_options(request: ProcessRequest, container: Container) -> dict[str, Any]:
    """
    Return the options of `DockerEngine.create`.

    Nothing that could be secret is among them: whoever may ask the engine reads all of it.
    """
    return {
        "host": _host_options(request, container),
        "user": container.user or f"{os.geteuid()}:{os.getegid()}",
        "working_dir": str(request.cwd),
        "labels": {
            **{f"{LABEL_PREFIX}{name}": value for name, value in container.labels.items()},
            f"{LABEL_PREFIX}step-run": request.marker,
            f"{LABEL_PREFIX}devices": ",".join(request.devices),
        },
        "environment": _GROUP,
        "hostname": container.hostname,
        "stop_signal": "SIGTERM",
        "healthcheck": {"test": ["NONE"]},
        "detach": True,
    }


def _host_options(request: ProcessRequest, container: Container) -> Mapping[str, Any]:
    limits = container.limits
    options: dict[str, Any] = {
        "init": True,
        "privileged": False,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "network_mode": container.network,
        "ipc_mode": "private",
        "restart_policy": {"Name": "no"},
        "log_config": _LOG,
        "mounts": _mounts(request, container),
        "shm_size": limits.shared_memory,
        "pids_limit": limits.processes,
        "oom_score_adj": 500,  # a machine without memory ends the script, not the worker
    }
    if limits.memory is not None:  # swap is part of it: a step that swaps stands still
        options |= {"mem_limit": limits.memory, "memswap_limit": limits.memory}
    if limits.cpus is not None:
        options["nano_cpus"] = int(min(limits.cpus, os.cpu_count() or 1) * 1e9)
    if container.tmpfs:
        options["tmpfs"] = dict(container.tmpfs)
    if container.ulimits:
        options["ulimits"] = [
            {"name": name, "soft": soft, "hard": hard} for name, (soft, hard) in container.ulimits.items()
        ]
    devices = [device for device in request.devices if not device.startswith(FAKE_PREFIX)]
    if devices:
        options["device_requests"] = [{"device_ids": devices, "capabilities": [["gpu"]]}]
    return options


def _mounts(request: ProcessRequest, container: Container) -> list[dict[str, str | bool]]:
    # Not as volumes, of which the engine makes those that are not there, as root's folders.
    pairs = [(str(mount.source), str(mount.target), mount.is_read_only) for mount in container.mounts]
    pairs += [(str(source), str(target), True) for source, target in request.binds]
    return [
        {"Target": target, "Source": source, "Type": "bind", "ReadOnly": is_read_only}
        for source, target, is_read_only in pairs
    ]
