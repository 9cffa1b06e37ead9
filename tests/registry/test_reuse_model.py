"""Leases, ends of runs, adoption and collection in any order, compared with a few dictionaries that do the same."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from airflow_ml.graph.model import WorkspaceRef
from airflow_ml.registry import (
    Home,
    LeaseLostError,
    NewResult,
    OutputRecord,
    ResultGoneError,
    RunStateError,
    open_registry,
)
from airflow_ml.registry.values import utc_now

EXAMPLES, STEPS = (1500, 60) if os.environ.get("AIRFLOW_ML_SOAK") else (25, 40)

FINGERPRINTS, NODES = ("f", "g"), ("a", "b")


@dataclass
class Run:
    """A step run, as it should be."""

    id: str
    pipeline: str
    node: str
    attempt: int
    status: str = "Running"
    original: str | None = None
    fingerprint: str | None = None
    ended: int | None = None
    has_files: bool = False
    is_invalidated: bool = False
    is_collected: bool = False


@dataclass
class Lease:
    """The lease of a fingerprint, as it should be; without an owner nobody has it."""

    owner: str | None = None
    token: int = 0
    is_alive: bool = False


class ReuseModel(RuleBasedStateMachine):
    """Each rule does one thing to the registry and to the oracle, and compares what they answer."""

    pipelines = Bundle("pipelines")
    runs = Bundle("runs")
    leases = Bundle("leases")

    def __init__(self):
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.registry = open_registry(WorkspaceRef("w"), home=Home(Path(self._folder.name)))
        self.known = {}
        self.open_pipelines = {}
        self.held = {fingerprint: Lease() for fingerprint in FINGERPRINTS}
        self.clock = count()

    def teardown(self):
        """Close the registry and remove it."""
        self.registry.close()
        self._folder.cleanup()

    @initialize(target=pipelines)
    def begin(self):
        """Begin with a few pipeline runs to choose from."""
        return multiple(*(self.begin_pipeline() for _ in range(3)))

    @rule(target=pipelines)
    def begin_pipeline(self):
        """Begin a pipeline run."""
        run = self.registry.runs.create("e", "p", kind="pipeline", status="Running")
        self.open_pipelines[run.id] = True
        return run.id

    @rule(pipeline=pipelines)
    def end_pipeline(self, pipeline):
        """End one; steps of it may go on."""
        self.registry.runs.set_status(pipeline, "Completed")
        self.open_pipelines[pipeline] = False

    @rule(target=runs, pipeline=pipelines, node=st.sampled_from(NODES))
    def begin_step(self, pipeline, node):
        """Begin the next attempt at a node."""
        run = self.registry.runs.create("e", node, kind="step", parent_id=pipeline, node_id=node, status="Running")
        self.known[run.id] = Run(run.id, pipeline, node, len(self._attempts(pipeline, node)) + 1)
        assert run.attempt == self.known[run.id].attempt
        return run.id

    @rule(target=leases, run=runs, fingerprint=st.sampled_from(FINGERPRINTS))
    def acquire(self, run, fingerprint):
        """Ask for a lease: all but its owner get it only when it is free or has expired."""
        lease = self.registry.fingerprint_leases.acquire(fingerprint, run, seconds=1000)
        held = self.held[fingerprint]
        assert (lease is None) == (held.is_alive and held.owner not in {None, run})
        if lease is None:
            return multiple()
        self.held[fingerprint] = Lease(run, held.token + 1, is_alive=True)
        assert lease.token == held.token + 1
        return lease

    @rule(lease=leases, seconds=st.sampled_from([-1, 1000]))
    def renew(self, lease, seconds):
        """Renew the lease, or let the time go by until it has expired."""
        assert self.registry.fingerprint_leases.renew(lease, seconds=seconds) == self._has(lease)
        if self._has(lease):
            self.held[lease.fingerprint].is_alive = seconds > 0

    @rule(lease=leases)
    def release(self, lease):
        """Give a lease back; a lost one stays the other's."""
        self.registry.fingerprint_leases.release(lease)
        if self._has(lease):
            self._give_back(lease)

    @rule(run=runs)
    def release_owner(self, run):
        """Give back what a run holds."""
        owned = [held for held in self.held.values() if held.owner == run]
        assert self.registry.fingerprint_leases.release_owner(run) == len(owned)
        for held in owned:
            held.owner, held.is_alive = None, False

    @rule(run=runs, lease=leases, is_offered=st.booleans())
    def complete_with_a_lease(self, run, lease, is_offered):
        """End a run with any lease that ever was given out."""
        self._finish(run, "Completed", lease, lease.fingerprint if is_offered else None)

    @rule(run=runs, fingerprint=st.sampled_from([*FINGERPRINTS, None]))
    def complete(self, run, fingerprint):
        """End a run that took no lease."""
        self._finish(run, "Completed", None, fingerprint)

    @rule(run=runs, lease=leases)
    def fail(self, run, lease):
        """End a run that failed."""
        self._finish(run, "Failed", lease, None)

    @rule(target=runs, pipeline=pipelines, node=st.sampled_from(NODES), fingerprint=st.sampled_from(FINGERPRINTS))
    def compute(self, pipeline, node, fingerprint):
        """Run a step from beginning to end."""
        run = self.begin_step(pipeline, node)
        self._finish(run, "Completed", None, fingerprint)
        return run

    @rule(target=runs, pipeline=pipelines, source=runs, node=st.sampled_from(NODES), only_first=st.booleans())
    def adopt(self, pipeline, source, node, only_first):
        """Let a node take the results of any run."""
        original = self.known[source]
        attempts = self._attempts(pipeline, node)
        with self._refusing(ResultGoneError, when=not self._is_takeable(original)) as refused:
            run = self.registry.runs.adopt(pipeline, source, name=node, node_id=node, only_first=only_first)
        if refused:
            return multiple()
        completed = [attempt.id for attempt in attempts if attempt.status == "Completed"]
        if attempts and only_first:
            assert run is None
            return multiple()
        if completed:
            assert run.id == completed[-1]
            return multiple()
        self.known[run.id] = Run(
            run.id, pipeline, node, len(attempts) + 1, "Completed", source, ended=next(self.clock), has_files=True
        )
        return run.id

    @rule(run=runs)
    def invalidate(self, run):
        """Let nobody take a result any more; a run that took one names it too."""
        row = self.known[self.known[run].original or run]
        is_hit = row.fingerprint is not None and not row.is_invalidated
        assert self.registry.results.invalidate(reason="r", run_id=run) == is_hit
        row.is_invalidated = row.fingerprint is not None

    @rule(run=runs)
    def collect(self, run):
        """Mark a run's outputs as collected, unless somebody needs them."""
        row = self.known[run]
        if row.original is not None:
            return
        family = [row, *(taker for taker in self.known.values() if taker.original == run)]
        is_needed = row.ended is None or any(self._is_open(member.pipeline) for member in family)
        assert self.registry.retention.collect(run, unused_since=utc_now()) != is_needed
        if not is_needed:
            for member in family:
                member.is_collected = member.has_files

    @invariant()
    def results_are_those_that_may_be_taken(self):
        """No result of a run that did not complete, was invalidated or collected; the newest one first."""
        for fingerprint in FINGERPRINTS:
            takeable = [run for run in self.known.values() if run.fingerprint == fingerprint and self._is_takeable(run)]
            takeable.sort(key=lambda run: run.ended, reverse=True)
            found = self.registry.results.find(fingerprint, limit=100)
            assert [result.run_id for result in found] == [run.id for run in takeable]

    @invariant()
    def leases_have_their_owners(self):
        """A living lease has the owner and the token that it was given out with."""
        for fingerprint, held in self.held.items():
            holder = self.registry.fingerprint_leases.holder(fingerprint)
            seen = None if holder is None else (holder.owner, holder.token)
            assert seen == ((held.owner, held.token) if held.is_alive else None)

    @invariant()
    def runs_are_what_they_became(self):
        """Statuses, attempts and originals are those of the oracle, and outputs are there with the end alone."""
        listed = self.registry.runs.list(kind="step", include_children=True, limit=10_000)
        outputs = self.registry.outputs.of_runs(self.known)
        assert {run.id for run in listed} == set(self.known)
        for run in listed:
            wanted = self.known[run.id]
            assert (run.status, run.attempt) == (wanted.status, wanted.attempt)
            assert run.properties.get("azureml.reusedrunid") == wanted.original
            assert [output.collected_at is not None for output in outputs[run.id].values()] == (
                [wanted.is_collected] if wanted.has_files else []
            )

    def _finish(self, run, status, lease, fingerprint):
        place = {"kind": "file", "datastore": "s", "path": run, "is_file": True}
        output = OutputRecord(run, "o", **place, digest="d", manifest_path="m", files=1, size=1, committed_at=utc_now())
        row = self.known[run]
        is_final = row.status != "Running"
        is_lost = lease is not None and not self._has(lease)
        with self._refusing(RunStateError if is_final else LeaseLostError, when=is_final or is_lost) as refused:
            self.registry.runs.finish_step(
                run,
                status=status,
                outputs=[output],
                result=None if fingerprint is None else NewResult(fingerprint, row.node, "p", []),
                lease=lease,
            )
        if refused:
            return
        row.status, row.fingerprint, row.ended, row.has_files = status, fingerprint, next(self.clock), True
        if lease is not None:
            self._give_back(lease)

    @contextmanager
    def _refusing(self, error, *, when) -> Iterator[bool]:
        if not when:
            yield False
            return
        with pytest.raises(error):
            yield True

    def _has(self, lease):
        held = self.held[lease.fingerprint]
        return (held.owner, held.token) == (lease.owner, lease.token)

    def _give_back(self, lease):
        held = self.held[lease.fingerprint]
        held.owner, held.is_alive = None, False

    def _attempts(self, pipeline, node):
        return [run for run in self.known.values() if (run.pipeline, run.node) == (pipeline, node)]

    def _is_open(self, pipeline):
        below = [run for run in self.known.values() if run.pipeline == pipeline]
        return self.open_pipelines[pipeline] or any(run.status == "Running" for run in below)

    def _is_takeable(self, run):
        return run.status == "Completed" and run.original is None and not run.is_invalidated and not run.is_collected


@pytest.mark.soak
def test_the_registry_agrees_with_the_oracle():
    """In any order of things no result is taken that may not be, no lease has two owners, and no zombie ends a run."""
    run_state_machine_as_test(
        ReuseModel,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
