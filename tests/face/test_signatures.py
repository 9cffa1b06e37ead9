"""
The face has the v1 SDK's public classes with its parameters, in its order, with its defaults.

`v1_signatures.json` is a table of facts: what introspection of the v1 packages (azureml-core 1.61, azureml-pipeline
1.62) says of the classes that pipeline code uses. Constants and members that v1 had deprecated are not in it.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

FACTS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "v1_signatures.json").read_text("utf-8"))

#: Where ours is another on purpose, and why; "Class.member" -> (ours, reason).
DEVIATIONS: dict[str, tuple[str, str]] = {
    "PipelineData.as_input": (
        "method(input_name=None)",
        "the article calls it without a name, which v1 refused",
    ),
    "CondaDependencies.create": (
        "static(pip_indexurl=None, pip_packages=None, conda_packages=None, python_version=None, pin_sdk_version=True)",
        "v1's default is the version of the interpreter that it was read in",
    ),
}

#: Ours: reuse, bound values in queries, Airflow connections, where steps run, waiting for Airflow.
#: docs/compatibility.md names them.
EXTRAS = {
    *("connection", "gpus", "ignore_in_fingerprint", "normalise_outputs", "parameters", "reuse", "reuse_policy"),
    *("executor", "launcher", "max_nodes", "node_selector", "vm_size", "wait"),
}


def load(path: str) -> type:
    """Return our class of a v1 path."""
    module, _, name = path.replace("azureml", "airflow_ml", 1).rpartition(".")
    found: type = getattr(importlib.import_module(module), name)
    return found


def signature(function: Callable[..., object], *, skip_first: bool) -> str:
    """Write a signature as the table does."""
    parameters = [*inspect.signature(function).parameters.values()][int(skip_first) :]
    return ", ".join(_parameter(item) for item in parameters if not _is_extra(item))


def _is_extra(parameter: inspect.Parameter) -> bool:
    """Whether the parameter is one that v1 did not have; such ones are given by name alone."""
    return parameter.kind is parameter.KEYWORD_ONLY and parameter.name in EXTRAS


def _parameter(parameter: inspect.Parameter) -> str:
    if parameter.kind is parameter.VAR_POSITIONAL:
        return f"*{parameter.name}"
    if parameter.kind is parameter.VAR_KEYWORD:
        return "**kwargs"  # its name means nothing
    if parameter.default is parameter.empty:
        return parameter.name
    return f"{parameter.name}={_default(parameter.default)}"


def _default(value: object) -> str:
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    is_plain = value is None or isinstance(value, (str, int, float, list, tuple, dict))
    return repr(value) if is_plain else "<object>"


def member(cls: type, name: str) -> str:
    """Write one public member as the table does."""
    found = inspect.getattr_static(cls, name, None)
    if found is None:
        return "missing"
    if isinstance(found, staticmethod):
        return f"static({signature(found.__func__, skip_first=False)})"
    if isinstance(found, classmethod):
        return f"class({signature(found.__func__, skip_first=True)})"
    if inspect.isfunction(found):
        return f"method({signature(found, skip_first=True)})"
    return "property"


def differences(path: str) -> dict[str, tuple[str, str]]:
    """Return (v1's, ours) of everything in which our class differs."""
    cls, facts = load(path), FACTS[path]
    if "members" in facts:
        return {name: ("member", "missing") for name in facts["members"] if not hasattr(cls, name)}
    wanted = {"__init__": f"method({facts['init']})", **facts["public"]}
    ours = {name: member(cls, name) for name in wanted}
    # What v1 makes in __new__ (Datastore, ComputeTarget) may be made in __new__ alone.
    if "__new__" in vars(cls) and "__init__" not in vars(cls):
        ours["__init__"] = f"method({signature(cls.__new__, skip_first=True)})"
    elif cls.__init__ is object.__init__:
        ours["__init__"] = "method()"
    normal = {name: text.replace("**kwags", "**kwargs") for name, text in wanted.items()}
    return {name: (normal[name], ours[name]) for name in wanted if normal[name] != ours[name]}


@pytest.mark.parametrize("path", FACTS)
def test_class_has_v1s_signatures(path: str) -> None:
    """Every public constructor, method and property has v1's name, kind, parameters, order and defaults."""
    name = path.rpartition(".")[2]
    allowed = {key.partition(".")[2]: ours for key, (ours, _) in DEVIATIONS.items() if key.partition(".")[0] == name}

    found = {key: ours for key, (_, ours) in differences(path).items()}

    assert found == allowed


def test_table_covers_the_core() -> None:
    """The table has the 33 classes that the v1 documentation of pipelines is about, and ninety around them."""
    marks = [facts["mark"] for facts in FACTS.values()]

    assert marks.count("core") == 33
    assert len(marks) == 124
