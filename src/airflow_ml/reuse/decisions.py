"""
Which steps of a pipeline take an earlier result, which run, and which are decided when others have run.

Steps are gone through in running order, so that hits chain: the outputs of a step that is reused are known, and its
consumers are looked up with them. Whether the outputs of the hits are still there is looked at afterwards, for all of
them at once; where one is not, the result is out of the question and the decision is made again without it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from airflow_ml import hooks
from airflow_ml.exceptions import AzureMLException, ServiceException
from airflow_ml.graph import StepOutputSource, in_running_order
from airflow_ml.hookspecs import ReuseQuestion
from airflow_ml.reuse.explanation import explain, foresee
from airflow_ml.reuse.fingerprint import StepFacts, fingerprint_step
from airflow_ml.reuse.input_identity import InputIdentities
from airflow_ml.reuse.model import UpstreamOutput
from airflow_ml.reuse.reads import changed_reads
from airflow_ml.reuse.sources import Source, find_sources, output_problem
from airflow_ml.reuse.verification import verify_outputs

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, ReusePolicy, Step
    from airflow_ml.graph.model import Verification
    from airflow_ml.graph.reuse_modes import ReuseMode
    from airflow_ml.hookspecs import ReuseAnswer
    from airflow_ml.registry import OutputRecord, RunRecord
    from airflow_ml.reuse.model import Fingerprint, ReuseContext

__all__ = ["Decision", "Question", "StepCode", "decide", "fingerprint_of"]

#: Outputs of a step of this pipeline run that has completed, by name.
Outputs: TypeAlias = "Mapping[str, OutputRecord]"


@dataclass(frozen=True)
class StepCode:
    """A step's code as it is now: its snapshot, and digests of what its `hash_paths` name."""

    snapshot_id: str | None = None
    source_digest: str | None = None
    extra_content: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """
    What a decision is asked for.

    Attributes:
        parameters: values of the pipeline's parameters.
        code: gives a step's code; raises what keeps it from being read.
        settled: outputs of the steps of this pipeline run that have completed; they are not decided any more.
        wanted: ids of the steps to decide; None for all.
        run_id: of the pipeline run; None for a plan.
        handed_on: what other Airflow tasks handed on, for operators written by hand.
        keep_listings: store the lists of files behind the inputs, for later explanations; a plan writes nothing.
        is_explained: say why steps run.
        is_foreseen: say of steps that wait why they run in any case, where that is so.
    """

    parameters: Mapping[str, Json]
    code: Callable[[Step], StepCode]
    mode: ReuseMode = "normal"
    settled: Mapping[str, Outputs] = field(default_factory=dict)
    wanted: Collection[str] | None = None
    run_id: str | None = None
    handed_on: Mapping[str, Json] = field(default_factory=dict)
    keep_listings: bool = False
    is_explained: bool = True
    is_foreseen: bool = False


@dataclass(frozen=True)
class Decision:
    """
    What becomes of one step, and why.

    Attributes:
        action: `wait` for a step that is decided when the steps of `waits_for` have run.
        fingerprint: None where there is none yet, or none can be made.
        source: the run whose result is taken.
        outputs: of that run.
        reasons: sentences without an end, for people; of one that waits, why it runs whatever it waits for.
        saved_seconds: how long the original ran.
        is_offered: the step's own result may be reused by later runs.
    """

    step_id: str
    action: Literal["reuse", "run", "wait"]
    fingerprint: Fingerprint | None = None
    source: RunRecord | None = None
    outputs: Outputs = field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    waits_for: tuple[str, ...] = ()
    saved_seconds: float | None = None
    is_offered: bool = True


def decide(context: ReuseContext, graph: Graph, question: Question) -> dict[str, Decision]:
    """
    Return the decision on every step that was asked for, by step id.

    Nothing that is wrong with one step keeps the others from being decided: a step that cannot be compared runs, and
    says why.

    Raises:
        ServiceException: registry or storage failed; trying again can help.
    """
    decisions = _Round(context, graph, question).decide()
    context.digests.save()
    return decisions


def fingerprint_of(context: ReuseContext, graph: Graph, step: Step, question: Question) -> Fingerprint:
    """
    Return the fingerprint of a step whose producers have all completed, from how everything is at this moment.

    Raises:
        AzureMLException: it cannot be made; the text says why.
    """
    fingerprint = _Round(context, graph, question).fingerprint(step, question.settled)
    context.digests.save()
    return fingerprint


class _Round:
    """One decision: what was established once is not asked for again."""

    def __init__(self, context: ReuseContext, graph: Graph, question: Question) -> None:
        self._context = context
        self._graph = graph
        self._question = question
        self._identities = InputIdentities(context, keep_listings=question.keep_listings)
        self._code: dict[str, StepCode] = {}
        self._fingerprints: dict[tuple[str, frozenset[object]], Fingerprint] = {}
        #: What was found wrong with results, by the id of the run that they are of.
        self._rejected: dict[str, str] = {}
        #: Runs whose results are taken, as far as they are sound.
        self._sources: dict[str, Source] = {}
        #: How closely which of them were looked at; equal steps can have policies of their own.
        self._looks: set[tuple[str, Verification | None]] = set()
        #: By step: the run whose result it takes.
        self._taken: dict[str, str] = {}

    def decide(self) -> dict[str, Decision]:
        while True:
            decisions = self._pass()
            known = len(self._rejected)
            self._look_at([item for item in decisions.values() if item.action == "reuse"])
            if len(self._rejected) == known:
                return {step_id: self._complete(item, decisions) for step_id, item in decisions.items()}

    def fingerprint(self, step: Step, known: Mapping[str, Outputs]) -> Fingerprint:
        return self._fingerprint(step, _upstream(step, known))

    def _fingerprint(self, step: Step, upstream: Mapping[tuple[str, str], UpstreamOutput]) -> Fingerprint:
        key = step.id, frozenset(upstream.items())
        if key not in self._fingerprints:
            code = self._code_of(step)
            facts = StepFacts(
                parameters=self._question.parameters,
                snapshot_id=code.snapshot_id,
                source_digest=code.source_digest,
                extra_content=code.extra_content,
                upstream=upstream,
                handed_on=self._question.handed_on,
            )
            self._fingerprints[key] = fingerprint_step(step, self._graph, facts, self._identities)
        return self._fingerprints[key]

    def _pass(self) -> dict[str, Decision]:
        known = dict(self._question.settled)
        decisions: dict[str, Decision] = {}
        wanted = self._question.wanted
        for step in in_running_order(self._graph.steps):
            if step.id in known or (wanted is not None and step.id not in wanted):
                continue
            decision = self._decide_step(step, known)
            decisions[step.id] = decision
            if decision.action == "reuse":
                known[step.id] = decision.outputs
        return decisions

    def _decide_step(self, step: Step, known: Mapping[str, Outputs]) -> Decision:
        refusal = self._refusal(step)
        if refusal is not None:
            is_offered = step.allow_reuse and self._question.mode == "refresh"
            return Decision(step.id, "run", reasons=(refusal,), is_offered=is_offered)
        # Order too: what stands behind a step that takes its result at once would start before that order says.
        missing = [name for name in step.upstream if name not in known]
        if missing:
            return Decision(step.id, "wait", waits_for=tuple(missing))
        try:
            fingerprint = self.fingerprint(step, known)
        except ServiceException:
            raise
        except AzureMLException as error:
            return Decision(step.id, "run", reasons=(f"cannot be compared: {error}",), is_offered=False)
        return self._look_up(step, fingerprint)

    def _refusal(self, step: Step) -> str | None:
        """Return why no result is looked for, or None."""
        if self._graph.is_script_run:
            return "a script run always runs"
        if self._question.mode != "normal":
            return f"reuse is {self._question.mode!r} for this run"
        return None if step.allow_reuse else "allow_reuse is False"

    def _look_up(self, step: Step, fingerprint: Fingerprint) -> Decision:
        registry = self._context.registry
        answer = self._ask(step, fingerprint, self._policy(step).max_age)
        if isinstance(answer, str):
            return Decision(step.id, "run", fingerprint, reasons=(answer,))
        if answer is None or answer.run_id is None:
            reason = answer.reason if answer is not None else None
            return Decision(step.id, "run", fingerprint, reasons=(reason,) if reason else ())
        if answer.run_id in self._rejected:
            return Decision(step.id, "run", fingerprint, reasons=(self._rejected[answer.run_id],))
        outputs = registry.outputs.of_runs([answer.run_id])[answer.run_id]
        problem = output_problem(step, outputs, answer.run_id)
        if problem is not None:
            return Decision(step.id, "run", fingerprint, reasons=(problem,))
        self._taken[step.id] = answer.run_id
        return Decision(step.id, "reuse", fingerprint, outputs=outputs)

    def _ask(self, step: Step, fingerprint: Fingerprint, max_age: float | None) -> ReuseAnswer | str | None:
        """Ask the hook; a plugin that fails means that the step runs, and the text says which one it was."""
        question = ReuseQuestion(
            registry=self._context.registry,
            pipeline_run_id=self._question.run_id,
            graph=self._graph,
            step=step,
            parameters=self._question.parameters,
            fingerprint=fingerprint.digest,
            records=fingerprint.records,
            max_age=max_age,
            rejected=frozenset(self._rejected),
        )
        try:
            return hooks.check_reuse(question)
        except ServiceException:
            raise
        except AzureMLException as error:
            return str(error)

    def _policy(self, step: Step) -> ReusePolicy:
        return self._identities.policy(step, self._graph)

    def _look_at(self, hits: Iterable[Decision]) -> None:
        """Verify what the hits would take: the runs first, then their outputs; each one is looked at once."""
        looks = {self._look_of(hit): hit for hit in hits}
        new = find_sources(self._context.registry, {run_id for run_id, _ in looks} - self._sources.keys())
        self._rejected.update({run_id: reason for run_id, reason in new.items() if isinstance(reason, str)})
        sources = {run_id: source for run_id, source in new.items() if isinstance(source, Source)}
        wanted = [
            (output, verify)
            for (run_id, verify), hit in looks.items()
            if (run_id, verify) not in self._looks and run_id not in self._rejected
            for output in hit.outputs.values()
        ]
        self._looks.update(looks)
        problems = verify_outputs(self._context, wanted)
        for (output, _), problem in zip(wanted, problems, strict=True):
            if problem is not None:
                self._rejected.setdefault(output.run_id, problem)
        for run_id, source in sources.items():
            problem = self._rejected.get(run_id) or changed_reads(self._context, source.result.discovered)
            if problem is None:
                self._sources[run_id] = source
            else:
                self._rejected[run_id] = problem

    def _look_of(self, hit: Decision) -> tuple[str, Verification | None]:
        return self._taken[hit.step_id], self._policy(self._graph.step(hit.step_id)).verify

    def _complete(self, decision: Decision, decisions: Mapping[str, Decision]) -> Decision:
        """Add the run that a decision takes its result from, or why the step runs."""
        if decision.action == "reuse":
            source = self._sources[self._taken[decision.step_id]]
            return replace(decision, source=source.run, saved_seconds=source.seconds)
        if decision.action == "wait":
            return self._foreseen(decision, decisions) if self._question.is_foreseen else decision
        if decision.fingerprint is None or decision.reasons:
            return decision
        reasons = self._rejections(decision.fingerprint.digest)
        if not reasons and self._question.is_explained:
            reasons = self._explain(decision, decision.fingerprint)
        return replace(decision, reasons=reasons)

    def _foreseen(self, decision: Decision, decisions: Mapping[str, Decision]) -> Decision:
        """Add to the decision on a step that waits why it runs in any case; nothing where that is open."""
        step = self._graph.step(decision.step_id)
        known = {**self._question.settled, **{name: item.outputs for name, item in decisions.items() if item.outputs}}
        sources = {port.name: port.source for port in step.inputs if isinstance(port.source, StepOutputSource)}
        open_ports = {name: source for name, source in sources.items() if source.step in decision.waits_for}
        some = UpstreamOutput(identity="", is_file=False, run_id="")
        upstream = {(source.step, source.output): some for source in open_ports.values()}
        try:
            fingerprint = self._fingerprint(step, {**_upstream(step, known), **upstream})
        except ServiceException:
            raise
        except AzureMLException as error:
            return replace(decision, reasons=(f"cannot be compared: {error}",))
        reasons, fitting = foresee(self._context, step, self._graph, fingerprint, frozenset(open_ports))
        problems = [self._lost_outputs(step, run_id) for run_id in fitting]
        return replace(decision, reasons=() if None in problems else (*reasons, *map(str, problems[:1])))

    def _lost_outputs(self, step: Step, run_id: str) -> str | None:
        """Return what is wrong with a result's outputs, or None."""
        outputs = [(output, self._policy(step).verify) for output in self._context.registry.outputs.of(run_id)]
        return next((problem for problem in verify_outputs(self._context, outputs) if problem is not None), None)

    def _rejections(self, fingerprint: str) -> tuple[str, ...]:
        """Return what was wrong with the results that this very fingerprint has."""
        if not self._rejected:
            return ()
        found = self._context.registry.results.find(fingerprint)
        problems = [self._rejected[result.run_id] for result in found if result.run_id in self._rejected]
        return tuple(dict.fromkeys(problems[:1]))

    def _explain(self, decision: Decision, fingerprint: Fingerprint) -> tuple[str, ...]:
        step = self._graph.step(decision.step_id)
        return tuple(explain(self._context, step, self._graph, fingerprint).sentences)

    def _code_of(self, step: Step) -> StepCode:
        if step.id not in self._code:
            self._code[step.id] = self._question.code(step)
        return self._code[step.id]


def _upstream(step: Step, known: Mapping[str, Outputs]) -> dict[tuple[str, str], UpstreamOutput]:
    found: dict[tuple[str, str], UpstreamOutput] = {}
    for port in step.inputs:
        if isinstance(port.source, StepOutputSource):
            output = known.get(port.source.step, {}).get(port.source.output)
            if output is not None:
                found[port.source.step, port.source.output] = UpstreamOutput(
                    identity=output.identity or output.digest,
                    is_file=output.is_file,
                    run_id=writer_of(output),
                    file_name=_file_name(output) if output.is_file else "",
                    shared_folder=None if output.is_file or _is_own(output) else (output.datastore, output.path),
                )
    return found


def _is_own(output: OutputRecord) -> bool:
    """Whether nothing but this output's run has a reason to write where it lies."""
    return writer_of(output) in output.path


def _file_name(output: OutputRecord) -> str:
    """Return what consumers see a file called; the run's id in it changes from run to run and says nothing."""
    return output.path.rpartition("/")[2].replace(writer_of(output), "{run-id}")


def writer_of(output: OutputRecord) -> str:
    """Return the run that wrote the output; the records of steps that reused it have ids of their own."""
    return output.manifest_path.split("/")[-2]
