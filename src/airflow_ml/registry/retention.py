"""
Retention: what of the workspace's files is still needed, and the word that some are not any more.

Nothing is deleted here. Whoever deletes files asks, then calls `collect`, which looks once more in the transaction that
marks the outputs: from then on no run can take them (`Runs.adopt` and `Results.find` refuse), and only then files go.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Select, delete, exists, select, union_all, update
from sqlalchemy.orm import Session

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import Json
from airflow_ml.registry.database import Repository, in_batches
from airflow_ml.registry.database_clock import DatabaseClock, SecondsBetween
from airflow_ml.registry.outputs import make_output_record
from airflow_ml.registry.publishing_tables import Module, ModuleVersion, PipelineDraft
from airflow_ml.registry.records import OutputRecord, SnapshotRecord
from airflow_ml.registry.result_queries import REUSED_RUN
from airflow_ml.registry.retention_records import KeptRun, NeededPlace, RunState
from airflow_ml.registry.reuse_records import FingerprintLease
from airflow_ml.registry.reuse_tables import FingerprintLease as LeaseRow
from airflow_ml.registry.reuse_tables import Result
from airflow_ml.registry.run_adoption import original_of
from airflow_ml.registry.run_rows import require_run
from airflow_ml.registry.service_tables import DagVersion
from airflow_ml.registry.shared_results import OPEN_STATUSES, Family, families_of, find_open_runs, registered_runs
from airflow_ml.registry.tables import (
    DatasetDefinition,
    GraphText,
    Model,
    Output,
    PublishedPipeline,
    RegisteredDataset,
    Run,
    RunInput,
    RunLabel,
    Snapshot,
)
from airflow_ml.registry.values import utc_now

__all__ = ["Retention"]

_PAGE = 500


class Retention(Repository):
    """What is needed of a workspace's files."""

    def runs(self) -> Iterator[KeptRun]:
        """Yield the runs whose outputs' files are there, newest first; a page at a time, however many there are."""
        before: int | None = None
        while True:
            with self._database.read() as session:
                rows = session.scalars(self._computed(before)).all()
                kept = self._kept(session, rows)
            yield from kept
            if len(rows) < _PAGE:
                return
            before = rows[-1].key

    def states(self, run_ids: Iterable[str]) -> Mapping[str, RunState]:
        """Return how those of the runs stand that are there; for files that bear a run's id and no record names."""
        states: dict[str, RunState] = {}
        with self._database.read() as session:
            open_roots = find_open_runs(session, self._workspace_id).roots
            for batch in in_batches(run_ids):
                query = select(Run).where(Run.workspace_id == self._workspace_id, Run.id.in_(batch))
                for row in session.scalars(query):
                    states[row.id] = RunState(row.status, row.ended_at, row.root_id in open_roots)
        return states

    def needed_places(self) -> Sequence[NeededPlace]:
        """Return the places of registered datasets, of models, and of the datasets and data that open runs consume."""
        models = select(Model).where(Model.workspace_id == self._workspace_id, Model.removed_at.is_(None))
        with self._database.read() as session:
            return [
                *self._dataset_places(session),
                *(
                    NeededPlace(model.datastore, model.path, f"model {model.name!r} version {model.version}")
                    for model in session.scalars(models)
                ),
                *self._consumed_places(session),
            ]

    def published_graphs(self) -> Sequence[str]:
        """
        Return what is kept to be run later as JSON, old ones too: it names snapshots and data.

        That is the graphs of published pipelines, drafts and DAGs, the values of drafts, and versions of modules.
        """
        tables = (PublishedPipeline, PipelineDraft, DagVersion)
        keys = union_all(*(select(table.graph_key).where(table.workspace_id == self._workspace_id) for table in tables))
        values = select(PipelineDraft.parameters).where(PipelineDraft.workspace_id == self._workspace_id)
        modules = (
            select(ModuleVersion.definition)
            .join(Module, Module.key == ModuleVersion.module_key)
            .where(Module.workspace_id == self._workspace_id)
        )
        with self._database.read() as session:
            graphs = session.scalars(select(GraphText.body).where(GraphText.key.in_(keys))).all()
            others = [*session.scalars(values), *session.scalars(modules)]
        return [*graphs, *(json.dumps(value) for value in others)]

    def snapshots(self) -> Sequence[SnapshotRecord]:
        """Return the recorded snapshots by id."""
        query = select(Snapshot).where(Snapshot.workspace_id == self._workspace_id).order_by(Snapshot.id)
        with self._database.read() as session:
            return [
                SnapshotRecord(row.id, row.files, row.size, row.created_at, row.source_digest)
                for row in session.scalars(query)
            ]

    def run_snapshots(self) -> set[str]:
        """Return the ids of the snapshots that runs name; published pipelines name theirs in their graphs."""
        own = (Run.workspace_id == self._workspace_id,)
        with self._database.read() as session:
            found = {*session.scalars(select(Run.snapshot_id).where(*own, Run.snapshot_id.is_not(None)).distinct())}
            # What a pipeline run has captured for steps that have not begun.
            details = select(Run.details).where(*own, Run.kind == "pipeline")
            for pipeline in session.scalars(details.execution_options(yield_per=_PAGE)):
                for taken in cast("Mapping[str, Mapping[str, Json]]", pipeline.get("snapshots") or {}).values():
                    found.add(cast("str | None", taken.get("id")))
        return {snapshot_id for snapshot_id in found if snapshot_id is not None}

    def forget_snapshot(self, snapshot_id: str, *, recorded_before: datetime) -> bool:
        """Remove the record of a snapshot that no run names; False if one does, or it is younger than that."""
        own = (Snapshot.workspace_id == self._workspace_id, Snapshot.id == snapshot_id)
        is_named = exists().where(Run.workspace_id == self._workspace_id, Run.snapshot_id == snapshot_id)
        statement = delete(Snapshot).where(*own, Snapshot.created_at < recorded_before, ~is_named)
        with self._database.write() as session:
            return session.scalars(statement.returning(Snapshot.id)).one_or_none() is not None

    def result_records(self) -> Iterator[Json]:
        """Yield what each result was compared by, newest first; a page at a time, however many there are."""
        before: int | None = None
        while True:
            query = select(Result.key, Result.records).where(Result.workspace_id == self._workspace_id)
            query = query if before is None else query.where(Result.key < before)
            with self._database.read() as session:
                rows = session.execute(query.order_by(Result.key.desc()).limit(_PAGE)).all()
            for before, records in rows:  # noqa: B007 - the last one begins the next page
                yield records
            if len(rows) < _PAGE:
                return

    def live_leases(self) -> Sequence[FingerprintLease]:
        """Return the leases of fingerprints that are being computed now."""
        query = (
            select(LeaseRow.fingerprint, LeaseRow.owner, LeaseRow.token, LeaseRow.expires_at - DatabaseClock())
            .where(LeaseRow.workspace_id == self._workspace_id, LeaseRow.owner.is_not(None))
            .where(LeaseRow.expires_at > DatabaseClock())
            .order_by(LeaseRow.fingerprint)
        )
        with self._database.read() as session:
            return [
                FingerprintLease(fingerprint, owner or "", token, expires_in)
                for fingerprint, owner, token, expires_in in session.execute(query)
            ]

    def forget_leases(self, *, seconds: float) -> int:
        """
        Remove leases that ended that many seconds ago, and return how many they were.

        Their tokens begin at 1 again, so the time must be longer than anybody can be late.
        """
        ended = (LeaseRow.workspace_id == self._workspace_id, LeaseRow.expires_at < DatabaseClock() - seconds)
        with self._database.write() as session:
            return len(session.scalars(delete(LeaseRow).where(*ended).returning(LeaseRow.token)).all())

    def longest_run(self) -> float:
        """Return the seconds from the record to the end of the run that took longest; 0.0 if none has ended."""
        took = SecondsBetween(Run.created_at, Run.ended_at)
        # An interactive run is as long as its notebook is open.
        kinds = Run.kind.in_(("pipeline", "step", "script"))
        query = select(took).where(Run.workspace_id == self._workspace_id, kinds, Run.ended_at.is_not(None))
        with self._database.read() as session:
            return session.scalars(query.order_by(took.desc()).limit(1)).one_or_none() or 0.0

    def collect(self, run_id: str, *, unused_since: datetime) -> bool:
        """
        Mark the outputs of a run as collected, those too of the runs that took them; then their files may go.

        Returns:
            False, and nothing is marked, if they are needed by now: the run ended or was reused after that moment, an
            output is registered, or an open run may read them. Marking twice is fine.

        Raises:
            RunNotFoundError: there is no such run.
            UserErrorException: the run took its results from another one, whose files they are.
        """
        with self._database.write() as session:
            # Whoever adopts holds the row shared: it is counted below, or finds the mark.
            row = require_run(session, self._scope, run_id, lock=True)
            original = original_of(session, row)
            if original is not None:
                raise UserErrorException(f"run {run_id!r}: its files are those of run {original!r}; collect that one")
            family = families_of(session, self._workspace_id, [row])[row.id]
            if self._is_needed(session, row, family, unused_since):
                return False
            statement = update(Output).where(Output.run_key.in_(family.keys), Output.collected_at.is_(None))
            session.execute(statement.values(collected_at=utc_now()))
            return True

    def _is_needed(self, session: Session, row: Run, family: Family, unused_since: datetime) -> bool:
        moments = [moment for moment in (row.ended_at, family.last_reused_at) if moment is not None]
        return (
            row.ended_at is None
            or max(moments) > unused_since
            or not find_open_runs(session, self._workspace_id).is_disjoint(family)
            or bool(registered_runs(session, self._workspace_id, family.keys))
        )

    def _computed(self, before: int | None) -> Select[Run]:
        is_adopted = exists().where(
            RunLabel.run_key == Run.key, RunLabel.kind == "property", RunLabel.name == REUSED_RUN
        )
        has_files = exists().where(Output.run_key == Run.key, Output.collected_at.is_(None))
        query = select(Run).where(Run.workspace_id == self._workspace_id, has_files, ~is_adopted)
        if before is not None:
            query = query.where(Run.key < before)
        return query.order_by(Run.key.desc()).limit(_PAGE)

    def _kept(self, session: Session, rows: Sequence[Run]) -> list[KeptRun]:
        families = families_of(session, self._workspace_id, rows)
        members = [key for family in families.values() for key in family.keys]
        registered = registered_runs(session, self._workspace_id, members)
        open_runs = find_open_runs(session, self._workspace_id)
        found = session.scalars(select(Result).where(Result.run_key.in_([row.key for row in rows])))
        results = {result.run_key: result for result in found}
        outputs = _outputs_of(session, rows)
        kept = []
        for row in rows:
            family, result = families[row.id], results.get(row.key)
            kept.append(
                KeptRun(
                    run_id=row.id,
                    root_id=row.root_id,
                    step_name=row.name,
                    pipeline_name=result.pipeline_name if result else None,
                    status=row.status,
                    ended_at=row.ended_at,
                    outputs=outputs[row.key],
                    fingerprint=result.fingerprint if result else None,
                    invalidated_at=result.invalidated_at if result else None,
                    times_reused=len(family.keys) - 1,
                    last_reused_at=family.last_reused_at,
                    is_registered=not registered.isdisjoint(family.keys),
                    is_in_use=not open_runs.is_disjoint(family),
                )
            )
        return kept

    def _dataset_places(self, session: Session) -> Iterator[NeededPlace]:
        query = (
            select(RegisteredDataset.name, RegisteredDataset.version, DatasetDefinition.definition)
            .join(DatasetDefinition, DatasetDefinition.key == RegisteredDataset.definition_key)
            .where(RegisteredDataset.workspace_id == self._workspace_id, RegisteredDataset.unregistered_at.is_(None))
        )
        for name, version, definition in session.execute(query):
            yield from _places_of(definition, f"dataset {name!r} version {version}")

    def _consumed_places(self, session: Session) -> Iterator[NeededPlace]:
        query = (
            select(Run.id, RunInput.datastore, RunInput.path, DatasetDefinition.definition)
            .join(Run, Run.key == RunInput.run_key)
            .outerjoin(
                DatasetDefinition,
                (DatasetDefinition.id == RunInput.dataset_id) & (DatasetDefinition.workspace_id == Run.workspace_id),
            )
            .where(Run.workspace_id == self._workspace_id, Run.status.in_(OPEN_STATUSES))
        )
        for run_id, datastore, path, definition in session.execute(query):
            if datastore is not None and path is not None:
                yield NeededPlace(datastore, path, f"run {run_id}")
            if definition is not None:
                yield from _places_of(definition, f"run {run_id}")


def _outputs_of(session: Session, rows: Sequence[Run]) -> Mapping[int, Sequence[OutputRecord]]:
    ids = {row.key: row.id for row in rows}
    outputs: dict[int, list[OutputRecord]] = defaultdict(list)
    query = select(Output).where(Output.run_key.in_(ids), Output.collected_at.is_(None)).order_by(Output.name)
    for output in session.scalars(query):
        outputs[output.run_key].append(make_output_record(ids[output.run_key], output))
    return outputs


def _places_of(definition: Mapping[str, Json], reason: str) -> Iterator[NeededPlace]:
    for source in cast("Sequence[Mapping[str, Json]]", definition.get("sources") or ()):
        datastore, path = source.get("datastore"), source.get("path")
        if isinstance(datastore, str) and isinstance(path, str):
            yield NeededPlace(datastore, path, reason)
