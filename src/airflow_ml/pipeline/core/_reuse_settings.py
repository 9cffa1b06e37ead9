"""
What a step says about its reuse beyond v1's `allow_reuse`, as it was given and as the graph holds it.

Names are looked up when the step's ports and parameters are known. One that means nothing is a mistake, as everything
that would be passed over without a word. Imported by steps that say something of this.
"""

from __future__ import annotations

import os

from airflow_ml._late import late
from airflow_ml.core.reuse_policy import policy_of_graph
from airflow_ml.exceptions import GraphError
from airflow_ml.graph import OutputPort, ParameterRef
from airflow_ml.graph.model import ReusePolicy
from airflow_ml.pipeline.core.pipeline_parameter import PipelineParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    import warnings
    from collections.abc import Iterable, Mapping, Sequence
    from dataclasses import dataclass, field, replace
    from typing import Any

    from airflow_ml.pipeline.core._arguments import StepWiring
    from airflow_ml.pipeline.core.builder import StepDefinition
else:
    from airflow_ml._records import dataclass, field, replace

    warnings = late("warnings")

__all__ = ["ReuseSettings", "read_reuse_settings", "written_settings"]

_KINDS = ("parameter", "input", "variable", "source")


@dataclass(frozen=True)
class ReuseSettings:
    """
    What a step's constructor was given.

    Attributes:
        ignored: names, and `kind:NAME` or `source:PATTERN`.
        normalisers: names for the hook `airflow_ml_normalise_output`, by output.
    """

    policy: ReusePolicy = ReusePolicy()
    ignored: tuple[str, ...] = ()
    hash_paths: tuple[str, ...] = ()
    normalisers: Mapping[str, str] = field(default_factory=dict)


def read_reuse_settings(
    *,
    policy: object,
    ignored: Sequence[str] | str | None,
    hash_paths: Sequence[str | os.PathLike[str]] | str | None,
    normalisers: Mapping[str, str] | None,
    where: str,
) -> ReuseSettings:
    """
    Return what a step's constructor was given; called by it, so that a warning names the line that made the step.

    Raises:
        UserErrorException: a value of another type.
    """
    if normalisers is not None and not hasattr(normalisers, "items"):
        raise GraphError(f"{where}: normalise_outputs {normalisers!r} is no mapping of outputs to names of normalisers")
    for output, name in (normalisers or {}).items():
        if not isinstance(name, str) or not name:
            raise GraphError(f"{where}: normalise_outputs[{output!r}] is {name!r}, expected the name of a normaliser")
    paths = _texts(hash_paths, "hash_paths", where=where)
    inside = next((path for path in paths if _is_inside(path)), None)
    if inside is not None:
        warnings.warn(
            f"{where}: hash_paths names {inside!r}, but the whole source directory counts (v1 deprecated hash_paths);"
            " leave out what lies in it, unless an ignore file keeps it out of the snapshot",
            DeprecationWarning,
            stacklevel=3,
        )
    texts = _texts(ignored, "ignore_in_fingerprint", where=where)
    return ReuseSettings(policy_of_graph(policy, where=where), texts, paths, dict(normalisers or {}))


def written_settings(
    settings: ReuseSettings, definition: StepDefinition, wiring: StepWiring, *, where: str
) -> dict[str, Any]:
    """
    Return the fields of `graph.Step` that the settings come to, its outputs among them.

    Raises:
        GraphError: a name that nothing of the step is called by.
    """
    return {
        "reuse": settings.policy,
        "ignore_in_fingerprint": _ignored(settings.ignored, _names_of(definition, wiring), where=where),
        "hash_paths": settings.hash_paths,
        "outputs": _normalised([bound.port for bound in wiring.outputs], settings.normalisers, where=where),
    }


def _is_inside(path: str) -> bool:
    return not os.path.isabs(path) and os.path.normpath(path).split(os.sep)[0] != os.pardir


def _ignored(ignored: Iterable[str], names: Mapping[str, Sequence[str]], *, where: str) -> tuple[str, ...]:
    """Return the entries in the graph's form; a bare name stands for everything of the step that is called so."""
    found: dict[str, None] = {}
    for entry in ignored:
        kind, colon, name = entry.partition(":")
        if colon and kind == "source" and name:
            found[entry] = None
            continue
        kinds = [kind for kind, known in names.items() if entry in known]
        if kinds:
            found.update(dict.fromkeys(f"{kind}:{entry}" for kind in kinds))
        elif colon and name in names.get(kind, ()):
            found[entry] = None
        else:
            raise GraphError(_nothing_called(entry, names, where=where))
    return tuple(found)


def _normalised(ports: Sequence[OutputPort], normalisers: Mapping[str, str], *, where: str) -> tuple[OutputPort, ...]:
    for name in normalisers:
        if name not in [port.name for port in ports]:
            known = ", ".join(repr(port.name) for port in ports) or "none"
            raise GraphError(f"{where}: normalise_outputs names {name!r}; the outputs are {known}")
    return tuple([replace(port, normaliser=normalisers.get(port.name)) for port in ports])


def _names_of(definition: StepDefinition, wiring: StepWiring) -> dict[str, list[str]]:
    """Return what a step has that can be ignored, by kind."""
    inputs = [bound.name for bound in wiring.inputs]
    parts = [part for argument in (*wiring.arguments, *wiring.params.values()) for part in argument]
    values = [*definition.run_settings.values(), *(bound.data for bound in wiring.inputs)]
    parameters = [part.name for part in parts if isinstance(part, ParameterRef)]
    parameters += [value.name for value in values if isinstance(value, PipelineParameter)]
    environment = (definition.environment or {}).get("environment_variables")
    variables = [*definition.environment_variables, *(environment if isinstance(environment, dict) else ())]
    return {
        "parameter": list(dict.fromkeys(parameters)),
        "input": inputs,
        "variable": list(dict.fromkeys([*variables, *wiring.params])),
    }


def _nothing_called(entry: str, names: Mapping[str, Sequence[str]], *, where: str) -> str:
    known = "; ".join(f"{kind}s {', '.join(map(repr, found))}" for kind, found in names.items() if found)
    return (
        f"{where}: ignore_in_fingerprint names {entry!r}, and the step has {known or 'nothing that can be ignored'};"
        f" write a name, one of {', '.join(f'{kind}:NAME' for kind in _KINDS[:-1])}, or source:PATTERN"
    )


def _texts(given: object, name: str, *, where: str) -> tuple[str, ...]:
    """Accept one text where the brackets around it were left out, and paths."""
    items = (given,) if isinstance(given, (str, os.PathLike)) else tuple(given or ())  # type: ignore[arg-type]  # checked below
    for item in items:
        if not isinstance(item, (str, os.PathLike)) or not os.fspath(item):
            raise GraphError(f"{where}: {name} has {item!r}, expected texts")
    return tuple([os.fspath(item) for item in items])
