"""
Runs: recording, changing and listing them.

A run that is final (Completed, Failed, Canceled) is history: what would change its record raises RunStateError. What
people say about it stays theirs to say: tags, display name, description, and properties that it does not have yet (v1
code adds them after the end), which never change either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Select, select

from airflow_ml.exceptions import SnapshotException
from airflow_ml.graph.model import Json
from airflow_ml.registry import sealed_json, tables
from airflow_ml.registry.errors import RunStateError
from airflow_ml.registry.records import FINAL_STATUSES, PipelineOptions, RunOptions, RunRecord
from airflow_ml.registry.run_creation import check_status, insert_run
from airflow_ml.registry.run_endings import RunEndings
from airflow_ml.registry.run_labels import add_properties, add_property, put_tags, remove_tags
from airflow_ml.registry.run_queries import (
    RunFilter,
    select_descendants,
    select_newest_attempts,
    select_newest_of_dag,
    select_page,
)
from airflow_ml.registry.run_rows import find_run, make_run_records, require_open_run, require_run
from airflow_ml.registry.run_states import apply_status, check_transition

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["Runs"]


class Runs(RunEndings):
    """The runs of a workspace."""

    def create(
        self, experiment: str, name: str, *, kind: str, parent_id: str | None = None, **options: Unpack[RunOptions]
    ) -> RunRecord:
        """
        Record a new run; the experiment is created if it is new.

        A root run gets the next number of its experiment. A step's `attempt`, unless given, is the next one of its
        node: as many processes as like may ask at once.

        Raises:
            UserErrorException: a word is not known here, or the id or attempt is recorded already.
            RunNotFoundError: the parent is not there.
        """
        with self._database.write() as session:
            row = insert_run(session, self._scope, experiment, name, kind=kind, parent_id=parent_id, **options)
            return make_run_records(session, [row])[0]

    def open_pipeline(
        self,
        experiment: str,
        name: str,
        *,
        dag_id: str,
        dag_run_id: str,
        group_id: str = "",
        **options: Unpack[PipelineOptions],
    ) -> RunRecord:
        """
        Return the pipeline run of that place in Airflow, recorded now unless it was before.

        The first one who asks decides what the record says; what later ones pass is not looked at.

        Args:
            experiment: created if it is new.
            name: of the pipeline.
            dag_id: the DAG.
            dag_run_id: the run of the DAG.
            group_id: the task group that holds the pipeline; "" where the pipeline is the whole DAG.
            options: what else is said of the run, `graph_json` above all.
        """
        found = self.find_pipeline(dag_id, dag_run_id, group_id)
        if found is not None:
            return found
        with self._database.write() as session:
            self._scope.lock(session)
            row = session.scalars(self._pipeline_query(dag_id, dag_run_id, group_id)).one_or_none()
            if row is None:
                row = insert_run(
                    session,
                    self._scope,
                    experiment,
                    name,
                    kind="pipeline",
                    parent_id=None,
                    dag_id=dag_id,
                    dag_run_id=dag_run_id,
                    group_id=group_id,
                    **options,
                )
            return make_run_records(session, [row])[0]

    def find_pipeline(self, dag_id: str, dag_run_id: str, group_id: str = "") -> RunRecord | None:
        """Return the pipeline run of that place in Airflow, or None."""
        rows = self._records(self._pipeline_query(dag_id, dag_run_id, group_id))
        return rows[0] if rows else None

    def find(self, run_id: str) -> RunRecord | None:
        """Return the run of that id, or None."""
        with self._database.read() as session:
            row = find_run(session, self._scope, run_id)
            return make_run_records(session, [row])[0] if row else None

    def get(self, run_id: str) -> RunRecord:
        """
        Return the run of that id.

        Raises:
            RunNotFoundError: there is none in this workspace.
        """
        with self._database.read() as session:
            return make_run_records(session, [require_run(session, self._scope, run_id)])[0]

    def get_both(self, run_id: str, other_id: str) -> tuple[RunRecord, RunRecord]:
        """
        Return the runs of those ids, as they were at one moment; they may be the same.

        Raises:
            RunNotFoundError: one of them is not in this workspace.
        """
        with self._database.read() as session:
            rows = [require_run(session, self._scope, wanted) for wanted in (run_id, other_id)]
            first, *rest = make_run_records(session, rows)
            return first, rest[0]

    def list(
        self,
        *,
        experiment: str | None = None,
        kind: str | None = None,
        status: str | None = None,
        tags: Mapping[str, str | None] | None = None,
        properties: Mapping[str, str | None] | None = None,
        parent_id: str | None = None,
        include_children: bool = False,
        limit: int = 50,
        before: int | None = None,
    ) -> Sequence[RunRecord]:
        """
        Return a page of runs, newest first.

        Args:
            experiment: name; one that is not there has no runs.
            kind: for instance pipeline.
            status: one of v1's words.
            tags: values that the runs must have; a value of None asks for the name alone.
            properties: the same for properties.
            parent_id: direct children of this run; else only root runs are shown, unless `include_children`.
            include_children: show runs at any depth.
            limit: length of the page.
            before: `sequence` of the last run of the page before.
        """
        with self._database.read() as session:
            experiment_key = None
            if experiment is not None:
                table = tables.Experiment
                named = (table.workspace_id == self._workspace_id, table.name == experiment)
                experiment_key = session.scalars(select(table.key).where(*named)).one_or_none()
                if experiment_key is None:
                    return []
            wanted = RunFilter(
                workspace_id=self._workspace_id,
                experiment_key=experiment_key,
                kind=kind,
                status=status,
                parent_id=parent_id,
                include_children=include_children,
                tags=tags or {},
                properties=properties or {},
                before=before,
            )
            return make_run_records(session, session.scalars(select_page(wanted, limit)).all())

    def steps(self, pipeline_id: str) -> Sequence[RunRecord]:
        """Return the newest attempt of each step of a pipeline run, newest first."""
        return self._records(select_newest_attempts(self._workspace_id, pipeline_id))

    def attempts(self, pipeline_id: str, node_id: str) -> Sequence[RunRecord]:
        """Return every attempt of one node of a pipeline run, newest first."""
        run = tables.Run
        own = (run.parent_id == pipeline_id, run.workspace_id == self._workspace_id)
        query = select(run).where(*own, run.node_id == node_id, run.kind == "step")
        return self._records(query.order_by(run.attempt.desc()))

    def children(self, run_id: str, *, recursive: bool = False) -> Sequence[RunRecord]:
        """Return the runs below a run, newest first; all attempts of steps are among them."""
        if recursive:
            return self._records(select_descendants(self._workspace_id, run_id))
        run = tables.Run
        own = (run.parent_id == run_id, run.workspace_id == self._workspace_id)
        return self._records(select(run).where(*own).order_by(run.key.desc()))

    def newest_of_dag(self, dag_id: str) -> Sequence[RunRecord]:
        """Return the last run of each pipeline of a DAG of which the graph is recorded, newest first."""
        return self._records(select_newest_of_dag(self._workspace_id, dag_id))

    def graph(self, run_id: str, *, is_sealed: bool = False) -> str | None:
        """
        Return the JSON text of the graph that was recorded with the run, or None if there was none.

        Args:
            is_sealed: leave the secrets in it as they are kept, for those who need none.
        """
        with self._database.read() as session:
            row = require_run(session, self._scope, run_id)
            text = session.get_one(tables.GraphText, row.graph_key).body if row.graph_key else None
        return text if text is None or is_sealed else sealed_json.opened_text(text, where=f"run {run_id!r}")

    def set_status(
        self,
        run_id: str,
        status: str,
        *,
        error: Mapping[str, Json] | None = None,
        started_at: datetime | None = None,
        ended_at: datetime | None = None,
        expected: Collection[str] | str | None = None,
    ) -> RunRecord:
        """
        Move a run on and return it; Running sets `started_at`, a final status `ended_at`, unless they are given.

        A final run that is given the status it has stays as it is, so that a lost answer may be asked for again.

        Args:
            run_id: the run.
            status: one of v1's words.
            error: what went wrong, kept if None.
            started_at: when it began to run.
            ended_at: when it ended.
            expected: change only from this status, or one of these.

        Raises:
            RunStateError: the run is final in another status, or its status is not the expected one.
        """
        check_status(status)
        with self._database.write() as session:
            row = require_run(session, self._scope, run_id, lock=True)
            if row.status not in FINAL_STATUSES or row.status != status:
                check_transition(row, status, expected)
                apply_status(row, status, error=error, started_at=started_at, ended_at=ended_at)
            return make_run_records(session, [row])[0]

    def reopen(self, run_id: str) -> RunRecord:
        """
        Return the pipeline run, Running again if it had ended; without the failure and the end that it had.

        Its details say `reopened` from then on: the task that closes it may have ended for good.

        The one way back from a final status, for pipeline runs alone: clearing a task in Airflow lets its DAG run go
        on, and the pipeline run with it. Step runs stay final, a step that runs again is a new attempt.

        Raises:
            RunStateError: the run is of another kind.
        """
        with self._database.write() as session:
            row = require_run(session, self._scope, run_id, lock=True)
            if row.kind != "pipeline":
                raise RunStateError(
                    f"run {run_id!r}: it is a {row.kind} run, and only pipeline runs are reopened; start a new run",
                    run_id=run_id,
                    status=row.status,
                )
            if row.status in FINAL_STATUSES:
                row.status, row.error, row.ended_at = "Running", None, None
                kept = {key: value for key, value in row.details.items() if key != "failure"}
                row.details = {**kept, "reopened": True}
            return make_run_records(session, [row])[0]

    def set_details(self, run_id: str, details: Mapping[str, Json]) -> RunRecord:
        """Add the details to those that are there; a key that is there gets the new value."""
        with self._database.write() as session:
            row = require_open_run(session, self._scope, run_id, "adding details")
            row.details = {**row.details, **details}
            return make_run_records(session, [row])[0]

    def add_properties(self, run_id: str, properties: Mapping[str, str]) -> None:
        """
        Add properties; one that is there with the same value is passed over. Final runs take new ones too.

        Raises:
            UserErrorException: a property is there with another value.
        """
        with self._database.write() as session:
            add_properties(session, self._scope, require_run(session, self._scope, run_id), properties)

    def add_property(self, run_ids: Iterable[str], name: str, value: str) -> None:
        """
        Add one property to many runs, final ones too; those that have it with the same value are passed over.

        Raises:
            RunNotFoundError: a run is not there.
            UserErrorException: a run has it with another value.
        """
        with self._database.write() as session:
            add_property(session, self._scope, [*run_ids], name, value)

    def set_snapshot(self, run_id: str, snapshot_id: str) -> RunRecord:
        """
        Keep the snapshot that was taken for a run which has none yet, also as v1's property.

        Raises:
            RunStateError: the run is final.
            SnapshotException: it has another one.
        """
        with self._database.write() as session:
            row = require_open_run(session, self._scope, run_id, "taking a snapshot")
            if row.snapshot_id not in (None, snapshot_id):
                raise SnapshotException(f"run {run_id!r}: it has the snapshot {row.snapshot_id!r} already")
            row.snapshot_id = snapshot_id
            add_properties(session, self._scope, row, {"ContentSnapshotId": snapshot_id})
            return make_run_records(session, [row])[0]

    def set_tags(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Add tags; one that is there gets the new value. Final runs take tags too."""
        with self._database.write() as session:
            put_tags(session, self._scope, require_run(session, self._scope, run_id).key, tags)

    def remove_tags(self, run_id: str, names: Iterable[str]) -> None:
        """Remove the tags of these names; those that are not there are passed over."""
        with self._database.write() as session:
            remove_tags(session, require_run(session, self._scope, run_id).key, names)

    def set_display_name(self, run_id: str, display_name: str | None) -> None:
        """Set the name that people read; final runs take it too."""
        with self._database.write() as session:
            require_run(session, self._scope, run_id).display_name = display_name

    def set_description(self, run_id: str, description: str | None) -> None:
        """Set the description; final runs take it too."""
        with self._database.write() as session:
            require_run(session, self._scope, run_id).description = description

    def _pipeline_query(self, dag_id: str, dag_run_id: str, group_id: str) -> Select[tables.Run]:
        run = tables.Run
        place = (run.dag_id == dag_id, run.dag_run_id == dag_run_id, run.group_id == group_id)
        return select(run).where(run.workspace_id == self._workspace_id, run.kind == "pipeline", *place)

    def _records(self, query: Select[tables.Run]) -> Sequence[RunRecord]:
        with self._database.read() as session:
            return make_run_records(session, session.scalars(query).all())
