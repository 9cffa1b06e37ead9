"""
What a team says of curated environments: a file that comes before the families that are built in.

`AIRFLOW_ML_CURATED_ENVIRONMENTS` names it, else it is `curated_environments.json`, `.yml` or `.yaml` in airflow-ml's
home. It maps names, in which `*` stands for anything, to what they stand for; the first name that fits wins:

    AzureML-Tutorial:        {pip: [pandas==2.2.3, scikit-learn], python: "3.11"}
    AzureML-PyTorch-*:       {image: "registry.example.org/torch:2.4", pip: [pandas]}
    AzureML-AutoML*:         null

Imported at its first use.
"""

from __future__ import annotations

import fnmatch
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.exceptions import NotSupportedError, UserErrorException

if TYPE_CHECKING:
    from typing import Any

    from airflow_ml.graph.model import Json

__all__ = ["configured"]

#: For those who have such a file.
yaml: Any = late("yaml")

_VARIABLE = "AIRFLOW_ML_CURATED_ENVIRONMENTS"
_NAMES = ("curated_environments.json", "curated_environments.yml", "curated_environments.yaml")
_KEYS = frozenset({"conda", "dockerfile", "image", "pip", "python", "variables"})


def configured(name: str) -> Mapping[str, Json] | None:
    """
    Return what the file says that a curated name stands for; None if it says nothing of it.

    Raises:
        UserErrorException: the file cannot be read, or what it says of the name.
        NotSupportedError: it says that the name is not to be used.
    """
    file = _file()
    if file is None:
        return None
    for pattern, said in _read(file).items():
        if fnmatch.fnmatchcase(name.lower(), pattern.lower()):
            if said is None:
                raise NotSupportedError(
                    f"curated environment {name!r} is switched off in {str(file)!r}; name the packages that your script"
                    " needs (Environment and CondaDependencies.create)"
                )
            if not isinstance(said, Mapping) or not _KEYS.issuperset(said):
                raise UserErrorException(
                    f"{str(file)!r}: {pattern!r} is {said!r}; expected null, or a mapping with some of"
                    f" {', '.join(sorted(_KEYS))}"
                )
            return said
    return None


def _file() -> Path | None:
    named = os.environ.get(_VARIABLE)
    if named:
        return Path(named).expanduser()
    # As `airflow_ml.registry.home` has it, which a DAG file's parse must not import.
    root = Path(os.environ.get("AIRFLOW_ML_HOME") or "~/.airflow_ml").expanduser()
    return next((root / name for name in _NAMES if (root / name).is_file()), None)


def _read(file: Path) -> Mapping[str, Json]:
    try:
        text = file.read_text(encoding="utf-8")
        content = json.loads(text) if file.suffix == ".json" else yaml.safe_load(text) or {}
    except OSError as exc:
        raise UserErrorException(
            f"curated environments: {str(file)!r} cannot be read ({exc.strerror}); correct {_VARIABLE}"
        ) from exc
    except (ValueError, yaml.YAMLError) as exc:
        raise UserErrorException(f"curated environments: {str(file)!r} is neither JSON nor YAML: {exc}") from exc
    if not isinstance(content, Mapping):
        raise UserErrorException(f"curated environments: {str(file)!r} holds no mapping of names")
    return content
