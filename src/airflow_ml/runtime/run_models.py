"""Models that are registered from a run's files."""

from __future__ import annotations

import os

from airflow_ml.exceptions import ModelPathNotFoundException
from airflow_ml.runtime import models
from airflow_ml.runtime.artifacts import artifact_name, offered
from airflow_ml.runtime.unavailable import refuse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from airflow_ml.runtime.run_files import RunFiles

__all__ = ["register"]


def register(run: RunFiles, name: str, path: str, described: dict[str, Any], **serving: object) -> models.Model:
    """Register what `RunFiles.register_model` describes, as of that run."""
    refuse(f"model {name!r}", **serving)
    return models.register(run._context, name, _files(run, path), run=run.id, **described)


def _files(run: RunFiles, path: str) -> str:
    """Return where the operator finds the file or folder that a model is made of."""
    if os.path.exists(path):
        return offered(run._context, path)
    wanted = artifact_name(path)
    names = run.get_file_names()
    below = {wanted: os.path.basename(wanted)} if wanted in names else {}
    below.update((name, name[len(wanted) + 1 :]) for name in names if name.startswith(wanted + "/"))
    if not below:
        raise ModelPathNotFoundException(
            f"model path {path!r}: neither in the working directory {os.getcwd()!r} nor among the files of run "
            f"{run.id!r}, which are {sorted(names)}"
        )
    folder = os.path.join(run._context.directory.uploads, os.urandom(12).hex(), os.path.basename(wanted))
    for name, relative in below.items():
        run._copy_out(name, os.path.join(folder, relative))
    return os.path.join(folder, below[wanted]) if wanted in below else folder
