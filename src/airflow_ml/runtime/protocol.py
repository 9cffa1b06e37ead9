"""
What crosses the border between a step's process and its operator.

The two sides share a run directory (`RunDirectory` names its parts) and four things happen in it:

- The operator writes `context.json` before the script starts: ids, parameters, inputs, outputs. No secret.
- The script appends one JSON object a line to `events.jsonl`; the operator follows it, so metrics are live.
- The script asks over `channel.sock`, one JSON object a line: `{"v": 1, "id": n, "method": m, "params": {}}` is
  answered by `{"id": n, "result": ...}` or `{"id": n, "error": {"type": class name, "message": text}}`.
- The script's files for the operator are copied into `uploads/` before the event or request that names them; files
  that the operator hands in on request lie in `requests/`.

`messages` declares every message, `docs/step-protocol.schema.json` says the same for other languages; numbers may be
NaN or Infinity as Python writes them. Paths are absolute as the script sees them: where a container mounts the run
directory elsewhere, the operator translates.

A reader refuses another `VERSION`. Raise it when an old reader would misunderstand a new message; a new optional
field or a new event does not need it.
"""

from __future__ import annotations

import os

from airflow_ml.exceptions import ServiceException

__all__ = [
    "EVENTS",
    "METHODS",
    "PARAMETER_PREFIX",
    "PATIENCE_VARIABLE",
    "RUN_DIRECTORY_VARIABLE",
    "VERSION",
    "ProtocolError",
    "RunDirectory",
]

VERSION = 1

#: Environment variable with the run directory's absolute path; without it a script runs offline.
RUN_DIRECTORY_VARIABLE = "AIRFLOW_ML_RUN_DIRECTORY"

#: Environment variable with the seconds for which a script waits for its operator: it may outlive one, in a container.
PATIENCE_VARIABLE = "AIRFLOW_ML_OPERATOR_SECONDS"

#: A step's `params` reach the script as environment variables with this prefix.
PARAMETER_PREFIX = "AML_PARAMETER_"

EVENTS = (
    "child",
    "closed",
    "description",
    "display_name",
    "file",
    "metric",
    "property",
    "remove_tags",
    "status",
    "tag",
)

METHODS = (
    "compute.list",
    "dataset.get",
    "dataset.list",
    "dataset.register",
    "dataset.stage",
    "dataset.unregister",
    "dataset.update",
    "datastore.download",
    "datastore.list",
    "datastore.upload",
    "experiment.get",
    "experiment.list",
    "model.get",
    "model.list",
    "model.path",
    "model.register",
    "model.update",
    "run.children",
    "run.file",
    "run.files",
    "run.get",
    "run.inputs",
    "run.list",
    "run.metrics",
    "run.outputs",
    "secret.get",
    "snapshot.zip",
    "workspace.get",
)


class ProtocolError(ServiceException):
    """The two sides of a run directory do not understand each other; the text names both protocol versions."""


class RunDirectory:
    """
    The names of everything in a run directory.

    Paths are text, not `pathlib.Path`, because importing pathlib costs a step's process 5 ms.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = os.path.abspath(os.fspath(root))

    def __repr__(self) -> str:
        return f"RunDirectory({self.root!r})"

    @property
    def context(self) -> str:
        """The file with ids, parameters, inputs and outputs; written once, before the script starts."""
        return os.path.join(self.root, "context.json")

    @property
    def code(self) -> str:
        """The snapshot: the script's working directory."""
        return os.path.join(self.root, "code")

    @property
    def inputs(self) -> str:
        """The folder of staged inputs, one entry per input name, read-only."""
        return os.path.join(self.root, "inputs")

    @property
    def data(self) -> str:
        """The folder in which declared outputs are written, one entry per output name."""
        return os.path.join(self.root, "data")

    @property
    def events(self) -> str:
        """The file that the script's processes append events to."""
        return os.path.join(self.root, "events.jsonl")

    @property
    def log(self) -> str:
        """The script's standard output and standard error."""
        return os.path.join(self.root, "user_logs", "std_log.txt")

    @property
    def channel(self) -> str:
        """The Unix socket on which the operator answers."""
        return os.path.join(self.root, "channel.sock")

    @property
    def uploads(self) -> str:
        """The folder of files that the script hands to the operator."""
        return os.path.join(self.root, "uploads")

    @property
    def requests(self) -> str:
        """The folder of files that the operator stages when the script asks for them."""
        return os.path.join(self.root, "requests")

    def contains(self, path: str) -> bool:
        """Tell whether a path lies inside the run directory once its links are followed."""
        root = os.path.realpath(self.root)
        return os.path.realpath(path).startswith(root + os.sep)
