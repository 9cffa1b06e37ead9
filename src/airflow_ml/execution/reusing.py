"""
Reuse in a pipeline run: deciding its steps, and recording those that take an earlier result.

A step that takes one gets a run of its own below the pipeline run, Completed from the start, with the original's
outputs, metrics and files. Whoever adopts also tells Airflow; `mark_announced` notes that this was done, because a
process can die in between: a step that starts although it was adopted then knows that the message was lost, and one
that starts after the message was sent was cleared by a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from airflow_ml.execution.admission import Admitted, Hit, Waiting, admit_step
from airflow_ml.execution.adopting import record_all_reused, record_reused
from airflow_ml.execution.captures import current_code
from airflow_ml.execution.graph_checks import check_graph
from airflow_ml.execution.leftovers import close_lost_attempt
from airflow_ml.execution.model import Airflow
from airflow_ml.execution.pipelines import stop_reason
from airflow_ml.execution.records import result_of
from airflow_ml.execution.resuming import find_survivor
from airflow_ml.execution.reuse_questions import mode_of, question_of_run
from airflow_ml.graph import in_running_order
from airflow_ml.registry import ResultGoneError
from airflow_ml.reuse.decisions import Question, decide
from airflow_ml.reuse.sentences import sentence_of

if TYPE_CHECKING:
    from airflow_ml.execution.model import LogLine, StepResult, StepTask
    from airflow_ml.execution.resuming import Survivor
    from airflow_ml.execution.services import Services
    from airflow_ml.graph import Graph, Json
    from airflow_ml.graph.reuse_modes import ReuseMode
    from airflow_ml.registry import RunRecord
    from airflow_ml.reuse.decisions import Decision

__all__ = [
    "Admitted",
    "FirstLook",
    "Reused",
    "Waiting",
    "admit",
    "decide_after",
    "decide_first",
    "mark_announced",
    "plan",
]

#: Property of an adopted step run: Airflow has been told that its task is skipped.
_ANNOUNCED = "airflow_ml.announced"


@dataclass(frozen=True)
class Reused:
    """
    A step that takes an earlier result.

    Attributes:
        result: as if the step had run: what its XCom holds.
        sentence: for the log.
    """

    step_id: str
    result: StepResult
    sentence: str


@dataclass(frozen=True)
class FirstLook:
    """
    What `reuse_check` found.

    Attributes:
        reused: steps whose tasks must be skipped.
        sentences: one for each step of the pipeline, in running order.
        is_whole: every step of the pipeline has its result: nothing is left to run.
    """

    reused: Sequence[Reused]
    sentences: Sequence[str]
    is_whole: bool


def decide_first(services: Services, graph: Graph, run: RunRecord, place: Airflow) -> FirstLook:
    """
    Decide every step of a pipeline run whose inputs are known, and adopt the results that are there.

    Steps that have been tried already are left as they are; those that were adopted and not announced are returned
    again.

    Args:
        place: the DAG run; the tasks of the steps have the steps' ids, below the task group of `place.task_id`.
    """
    if stop_reason(run) is not None:
        return FirstLook((), (), is_whole=False)
    services.store.forget_queries()
    newest = services.registry.runs.steps(run.id)
    question = question_of_run(services, graph, run, newest)
    decisions = decide(services.reuse, graph, question)
    reused = [
        *_not_announced(services, graph, newest),
        *_adopt_all(services, graph, run, newest, decisions.values(), place),
    ]
    sentences = [
        f"step {graph.step(step_id).name!r}: {sentence_of(decision)}" for step_id, decision in decisions.items()
    ]
    done = {item.step_id for item in reused} | set(question.settled)
    return FirstLook(tuple(reused), tuple(sentences), is_whole=all(step.id in done for step in graph.steps))


def decide_after(services: Services, graph: Graph, run: RunRecord, step_id: str, place: Airflow) -> tuple[Reused, ...]:
    """Decide the steps that waited for one that has just committed, and adopt the results that are there."""
    later = _descendants(graph, step_id)
    if not later or mode_of(run) != "normal" or stop_reason(run) is not None:
        return ()
    # The step itself may have changed what its database answers.
    services.store.forget_queries()
    # Those that run say why when they start.
    newest = services.registry.runs.steps(run.id)
    question = replace(question_of_run(services, graph, run, newest, wanted=later), is_explained=False)
    decisions = decide(services.reuse, graph, question)
    return tuple(_adopt_all(services, graph, run, newest, decisions.values(), place))


def admit(services: Services, task: StepTask, log: LogLine) -> Admitted | Waiting | Reused:
    """
    Say what becomes of a step that starts: it runs, waits for another run that computes the same, or is there.

    What earlier attempts at it left behind is cleared away first.
    """
    attempts = services.registry.runs.attempts(task.pipeline_run_id, task.step.id)
    survivor = find_survivor(services, task, attempts, log)
    try:
        admission = _admit(services, task, attempts, survivor, log)
    except BaseException:
        if survivor is not None:
            survivor.step.leave()  # it computes on, for the next try
            survivor.kept.release()
        raise
    if survivor is None or (isinstance(admission, Admitted) and admission.survivor is not None):
        return admission
    log(f"{task.title}: that attempt's result is not wanted any more, so its container is removed")
    survivor.give_up()
    _clear_attempt(services, survivor.run, log)
    # A lease that was taken in the survivor's name is free again.
    return _admit(services, task, attempts, None, log) if isinstance(admission, Admitted) else admission


def _admit(
    services: Services, task: StepTask, attempts: Sequence[RunRecord], survivor: Survivor | None, log: LogLine
) -> Admitted | Waiting | Reused:
    for earlier in attempts:
        if survivor is None or earlier.id != survivor.run.id:
            _clear_attempt(services, earlier, log)
    if survivor is not None:
        services.registry.fingerprint_leases.release_owner(survivor.run.id)
    newest = attempts[0] if attempts else None
    if newest is not None and _is_lost_message(newest):
        return _reused_again(services, newest)
    if newest is not None and _is_own_result(newest, task.task):
        return Reused(task.step.id, result_of(services, newest), "an earlier try of this task has completed it")
    services.store.forget_queries()
    is_cleared = any(run.status == "Completed" for run in attempts)
    run_id = None if survivor is None else survivor.run.id
    while True:
        admission = admit_step(services, task, is_cleared=is_cleared, run_id=run_id)
        if isinstance(admission, Admitted):
            fits = survivor is not None and survivor.fits(admission.snapshot, admission.fingerprint)
            return replace(admission, survivor=survivor) if fits else admission
        if not isinstance(admission, Hit):
            return admission
        with suppress(ResultGoneError):  # invalidated or collected in this moment: the next answer knows
            adopted = record_reused(services, task.graph, task.pipeline, admission.decision, task.task)
            return Reused(task.step.id, adopted, sentence_of(admission.decision))


def _clear_attempt(services: Services, earlier: RunRecord, log: LogLine) -> None:
    ended = close_lost_attempt(services.store, earlier)
    if ended:
        log(f"ended {ended} process(es) that attempt {earlier.attempt} had left behind")
    if earlier.status != "Completed":  # such a one gave it back in the transaction that ended it
        services.registry.fingerprint_leases.release_owner(earlier.id)


def mark_announced(services: Services, reused: Iterable[Reused]) -> None:
    """Note that Airflow was told to skip the tasks of these steps: from now on, one that starts was cleared."""
    services.registry.runs.add_property([item.result.step_run_id for item in reused], _ANNOUNCED, "true")


def plan(
    services: Services, graph: Graph, given: Mapping[str, Json], *, mode: ReuseMode = "normal"
) -> dict[str, Decision]:
    """
    Return what a run that started now would do with each step; nothing is run, captured or recorded as a run.

    Raises:
        UserErrorException: something that the graph or the parameters name is not there or not right.
    """
    services.store.forget_queries()
    parameters = check_graph(services, graph, given, is_dry=True)
    look = current_code(services, graph)
    # Before anything is decided: what a run could not start with is an error of the plan too.
    code = {step.id: look(step) for step in graph.steps}
    question = Question(parameters=parameters, code=lambda step: code[step.id], mode=mode, is_foreseen=True)
    return decide(services.reuse, graph, question)


def _adopt_all(
    services: Services,
    graph: Graph,
    run: RunRecord,
    newest: Iterable[RunRecord],
    decisions: Iterable[Decision],
    place: Airflow,
) -> list[Reused]:
    hits = [decision for decision in decisions if decision.action == "reuse"]
    return [
        Reused(decision.step_id, result, sentence_of(decision))
        for decision, result in record_all_reused(services, graph, run, newest, hits, place)
    ]


def _not_announced(services: Services, graph: Graph, newest: Iterable[RunRecord]) -> list[Reused]:
    """Return the steps that a process adopted which died before it told Airflow."""
    by_node = {step.node_id: step for step in newest}
    tried = [by_node[step.id] for step in graph.steps if step.id in by_node]
    return [_reused_again(services, step) for step in tried if _is_lost_message(step)]


def _is_own_result(run: RunRecord, task: Airflow) -> bool:
    """Whether the task died between its commit and its end, and Airflow tries it again; nobody has cleared it since."""
    tried = run.details.get("airflow_try_number")
    return (
        run.status == "Completed"
        and isinstance(tried, int)
        and task.cleared_after < tried < task.try_number
        and run.task_id == task.task_id
    )


def _is_lost_message(run: RunRecord) -> bool:
    return run.properties.get("azureml.isreused") == "true" and _ANNOUNCED not in run.properties


def _reused_again(services: Services, run: RunRecord) -> Reused:
    details = cast("Mapping[str, Json]", run.details.get("reuse") or {})
    return Reused(str(run.node_id), result_of(services, run), str(details.get("reason") or "reused"))


def _descendants(graph: Graph, step_id: str) -> set[str]:
    """Return the steps that stand behind a step, by data or by order, directly or through others."""
    found = {step_id}
    for step in in_running_order(graph.steps):
        if not found.isdisjoint(step.upstream):
            found.add(step.id)
    return found - {step_id}
