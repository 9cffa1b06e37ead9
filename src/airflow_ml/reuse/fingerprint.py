"""
What makes a step's result the same: a hash over everything that can change it, and nothing else.

`docs/fingerprint.md` lists what counts and what does not; golden tests pin the text that is hashed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, cast

from airflow_ml import hooks
from airflow_ml.graph import ParameterRef, ParameterSource
from airflow_ml.reuse.argument_records import argument_records, parameter_records
from airflow_ml.reuse.environment_records import words
from airflow_ml.reuse.ignored import Ignored
from airflow_ml.reuse.model import Fingerprint, Record
from airflow_ml.reuse.records import FORMAT, has_secret_name, is_secret_word, seal, secret
from airflow_ml.storage.fuse_mount import MOUNT_VARIABLE

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, InputPort, Json, OutputPort, Step
    from airflow_ml.reuse.input_identity import InputIdentities
    from airflow_ml.reuse.model import UpstreamOutput

__all__ = ["FORMAT", "StepFacts", "fingerprint_step"]

#: Raised for a kind of step whenever what it does with the same records becomes something else.
_KIND_VERSIONS: Mapping[str, int] = {"python_script": 1, "command": 1, "data_transfer": 1}

#: Settings that say how much is waited for, and how much memory and how many devices there are (as the compute target
#: does, which does not count either); a result is the same with any of them.
_SETTINGS_WITHOUT_EFFECT = frozenset({"gpus", "max_run_duration_seconds", "shm_size"})
#: What run settings are that a step does not have; a parameter of such a value changes nothing either.
_DEFAULT_SETTINGS: Mapping[str, Json] = {
    "node_count": 1,
    "process_count_per_node": 1,
    "worker_count": 1,
    "parameter_server_count": 1,
    "framework": "Python",
    "communicator": "None",
    "use_docker": False,
    "docker_arguments": [],
    "process_count": None,
}


@dataclass(frozen=True)
class StepFacts:
    """
    What the graph does not say about a step.

    Attributes:
        parameters: values of the pipeline's parameters.
        snapshot_id: of the source directory; for explanations.
        source_digest: of the source directory without what the step ignores; None for a step without one.
        extra_content: digests of what `hash_paths` names.
        upstream: committed outputs, by step id and output name.
        handed_on: what other Airflow tasks handed on, by task id.
    """

    parameters: Mapping[str, Json] = field(default_factory=dict)
    snapshot_id: str | None = None
    source_digest: str | None = None
    extra_content: Mapping[str, str] = field(default_factory=dict)
    upstream: Mapping[tuple[str, str], UpstreamOutput] = field(default_factory=dict)
    handed_on: Mapping[str, Json] = field(default_factory=dict)


def fingerprint_step(step: Step, graph: Graph, facts: StepFacts, identities: InputIdentities) -> Fingerprint:
    """
    Return the fingerprint of a step.

    Raises:
        UserErrorException: an input cannot be found or has nothing to be compared by, or a plugin failed.
        ServiceException: registry or storage failed; trying again can help.
    """
    return seal(_records(step, graph, facts, identities))


def _records(step: Step, graph: Graph, facts: StepFacts, identities: InputIdentities) -> Iterator[Record]:
    ignored = Ignored.of(step.ignore_in_fingerprint)
    yield from _code(step, facts)
    yield from argument_records(step, facts.parameters, ignored)
    yield from parameter_records(step, facts.parameters, ignored)
    yield from _variables(step, identities, ignored)
    yield from identities.environments.records(step.environment)
    yield from identities.environments.image_records(step)
    for port in step.inputs:
        yield from _input(port, step, graph, facts, identities, ignored)
    for output in step.outputs:
        yield _output(output, identities.default_datastore(graph))
    yield from _settings(step, facts, ignored)
    yield from hooks.fingerprint_records(step, graph, facts.parameters)


def _code(step: Step, facts: StepFacts) -> Iterator[Record]:
    yield Record("step", "kind", [step.kind, _KIND_VERSIONS.get(step.kind, 1)])
    if step.version is not None:
        yield Record("step", "version", step.version)
    if step.script is not None:
        yield Record("step", "script", PurePath(step.script).as_posix())
    if facts.source_digest is not None:
        yield Record("source", "", facts.source_digest, None if facts.snapshot_id is None else [facts.snapshot_id])
    elif facts.snapshot_id is not None:
        yield Record("source", "", {"snapshot": facts.snapshot_id}, [facts.snapshot_id])
    relative = [path for path in facts.extra_content if not path.startswith("/")]
    names = {path: PurePath(path).as_posix() for path in relative}
    # Where an absolute path lies is the machine's business: the place among the others tells two of them apart.
    absolute = sorted(facts.extra_content.keys() - names.keys())
    names |= {path: f"/{place}" if place else "" for place, path in enumerate(absolute)}
    for path, digest in facts.extra_content.items():
        yield Record("extra content", names[path], digest, [path])


def _variables(step: Step, identities: InputIdentities, ignored: Ignored) -> Iterator[Record]:
    variables = {**identities.environments.variables(step.environment), **step.environment_variables}
    for name, value in variables.items():
        if name not in ignored.variables and name != MOUNT_VARIABLE:  # the same data, come another way
            yield Record("variable", name, _unless_secret(name, str(value)))


def _unless_secret(name: str, value: str) -> Json:
    return secret(value) if has_secret_name(name) or is_secret_word(value) else value


def _input(
    port: InputPort, step: Step, graph: Graph, facts: StepFacts, identities: InputIdentities, ignored: Ignored
) -> Iterator[Record]:
    yield Record(
        "input",
        port.name,
        _given(
            mode=port.mode,
            path_on_compute=port.path_on_compute,
            is_resource=port.is_resource or None,
            transformations=None if port.transformations is None else dict(port.transformations),
        ),
    )
    is_ignored = isinstance(port.source, ParameterSource) and port.source.parameter in ignored.parameters
    if port.name in ignored.inputs or is_ignored:
        return
    # What lies where a step writes is its own doing.
    rule = "definition" if port.is_destination else identities.policy(step, graph).inputs or "content"
    identity = identities.of(port, graph, facts, rule)
    yield Record("input data", port.name, identity.value, identity.note)


def _output(port: OutputPort, default_datastore: str) -> Record:
    return Record(
        "output",
        port.name,
        _given(
            kind=port.kind,
            mode=port.mode,
            datastore=port.datastore or default_datastore,
            destination=port.destination,
            path_on_compute=port.path_on_compute,
            overwrite=port.overwrite or None,
            is_directory=port.is_directory,
            source_globs=port.source_globs,
            normaliser=port.normaliser,
        ),
    )


def _given(**values: Json) -> dict[str, Json]:
    """Return what is not None, so that a later field changes no fingerprint of steps that do without it."""
    return {name: value for name, value in values.items() if value is not None}


def _settings(step: Step, facts: StepFacts, ignored: Ignored) -> Iterator[Record]:
    for name, given in step.run_settings.items():
        note: Json = None
        value = cast("Json", given)
        if isinstance(given, ParameterRef):
            value = None if given.name in ignored.parameters else facts.parameters.get(given.name)
            note = [given.name]
        if name in _SETTINGS_WITHOUT_EFFECT or value == _DEFAULT_SETTINGS.get(name):
            continue
        if name == "docker_arguments" and isinstance(value, list):
            value = words(value)
        yield Record("run setting", name, value, note)
    for name, setting in step.settings.items():
        if name not in _SETTINGS_WITHOUT_EFFECT:
            yield Record("step setting", name, setting)
