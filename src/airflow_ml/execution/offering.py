"""
Whether a result may be offered to later runs: it must be what its fingerprint says.

A fingerprint is made before a step's inputs are staged, and a script can run for hours. What it read is known to be
what the fingerprint speaks of if nothing has changed in between: not the data, and not even the times of its files,
because what was changed and put back looks the same and was not; not the outputs of the producers, which somebody may
have edited on the datastore; not the producers themselves, of which one may have been cleared and have run again; and
not what `hash_paths` names outside of the snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.execution.captures import outside_content
from airflow_ml.graph import StepOutputSource
from airflow_ml.reuse.decisions import fingerprint_of
from airflow_ml.reuse.environment_records import has_unknown_image
from airflow_ml.reuse.input_identity import STATE
from airflow_ml.reuse.policy import effective_policy
from airflow_ml.reuse.verification import verify_outputs

if TYPE_CHECKING:
    from airflow_ml.execution.admission import Admitted
    from airflow_ml.execution.attempt import Attempt
    from airflow_ml.execution.model import StepTask
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Json
    from airflow_ml.registry import OutputRecord, RunRecord
    from airflow_ml.reuse.decisions import Question
    from airflow_ml.reuse.model import Fingerprint, Record

__all__ = ["still_offered"]


def still_offered(attempt: Attempt, admitted: Admitted, staged: Mapping[str, str]) -> Admitted:
    """
    Return the admission; without an offer if the result need not be what the fingerprint says.

    Args:
        staged: the states of the files that were staged, by input.
    """
    if admitted.fingerprint is None or admitted.question is None or not admitted.is_offered:
        return admitted
    services, task, run, reads = attempt.services, attempt.task, attempt.run, attempt.reads
    obstacle = (
        reads.obstacle
        or _unknown_image(admitted.fingerprint)
        or _other_files(admitted.fingerprint, staged)
        or _other_outputs(services, task, run, admitted.question)
        or _other_extra_content(services, task, admitted.question)
        or _change(services, task, admitted.fingerprint, admitted.question)
        or reads.changed()
    )
    if obstacle is None:
        return admitted
    attempt.log(f"{task.title}: later runs do not take its result: {obstacle}")
    details = cast("Mapping[str, Json]", run.details.get("reuse") or {})
    services.registry.runs.set_details(run.id, {"reuse": {**details, "withheld": obstacle}})
    return replace(admitted, is_offered=False)


def _unknown_image(fingerprint: Fingerprint) -> str | None:
    return "its image was not known when it was admitted" if has_unknown_image(fingerprint.records) else None


def _other_files(fingerprint: Fingerprint, staged: Mapping[str, str]) -> str | None:
    """Return which data was written anew after the fingerprint was made and before it was staged, or None."""
    for record in fingerprint.records:
        known = _state(record)
        if known is not None and staged.get(record.name, known) != known:
            return f"{record.tag} {record.name} changed before the step read it"
    return None


def _other_outputs(services: Services, task: StepTask, run: RunRecord, question: Question) -> str | None:
    """Return which of the outputs that the step read is not the one that it was admitted with, or None."""
    staged = {item.name: item for item in services.registry.inputs.of(run.id)}
    wanted: dict[str, OutputRecord] = {}
    for port in task.step.inputs:
        if isinstance(port.source, StepOutputSource):
            item, admitted = staged[port.name], question.settled[port.source.step][port.source.output]
            if item.digest != admitted.digest:
                return f"input {port.name} was computed anew before the step read it"
            producer = item.producer_run_id or admitted.run_id
            wanted[port.name] = services.registry.outputs.get(producer, port.source.output)
    policy = effective_policy(services.registry, task.graph, task.step).verify
    problems = verify_outputs(services.reuse, [(record, policy) for record in wanted.values()])
    return next((f"{problem}, before or while the step read it" for problem in problems if problem is not None), None)


def _other_extra_content(services: Services, task: StepTask, question: Question) -> str | None:
    """Return which of the files and folders that a script reads where they lie changed since the run was opened."""
    admitted = question.code(task.step).extra_content
    try:
        now = outside_content(services, task.graph, task.step)
    except ServiceException:
        raise
    except AzureMLException as error:
        return str(error)
    changed = [path for path, digest in now.items() if digest != admitted.get(path)]
    return f"{changed[0]!r} of hash_paths changed before or while the step ran" if changed else None


def _change(services: Services, task: StepTask, before: Fingerprint, question: Question) -> str | None:
    """Return what is different from how it was at the beginning, or None."""
    try:
        now = fingerprint_of(services.reuse, task.graph, task.step, replace(question, keep_listings=False))
    except ServiceException:
        raise
    except AzureMLException as error:
        return str(error)
    old = {(record.tag, record.name): record for record in before.records}
    changed = [record for record in now.records if _is_changed(old.get((record.tag, record.name)), record)]
    if now.digest == before.digest and not changed:
        return None
    names = ", ".join(dict.fromkeys(f"{record.tag} {record.name}".strip() for record in changed)) or "something"
    return f"{names} changed while the step ran"


def _is_changed(old: Record | None, new: Record) -> bool:
    return old is None or old.value != new.value or _state(old) != _state(new)


def _state(record: Record) -> Json:
    """Return what tells files that were changed and put back from files that nobody touched; None without files."""
    return record.note.get(STATE) if isinstance(record.note, Mapping) else None
