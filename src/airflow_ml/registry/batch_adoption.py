"""
Many step runs of one pipeline run that take the results of others, in one transaction and a few statements.

The same as `run_adoption` does for one, for the check at the beginning of a pipeline run: a run of a thousand steps
that are all reused is recorded in a moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session, aliased

from airflow_ml.registry import tables
from airflow_ml.registry.database import Scope, in_batches
from airflow_ml.registry.records import RunOptions
from airflow_ml.registry.result_queries import REUSED_RUN
from airflow_ml.registry.reuse_records import Adoption
from airflow_ml.registry.reuse_tables import Result
from airflow_ml.registry.run_adoption import check_adoption
from airflow_ml.registry.run_creation import run_values
from airflow_ml.registry.run_labels import label_rows
from airflow_ml.registry.run_results import put_all_inputs, register_outputs
from airflow_ml.registry.values import utc_now

__all__ = ["insert_adoptions"]


def insert_adoptions(
    session: Session, scope: Scope, pipeline: tables.Run, adoptions: Sequence[Adoption]
) -> list[tables.Run]:
    """
    Insert the runs below a pipeline run that the caller holds, and return their rows.

    Left out are nodes that have an attempt, results that cannot be taken any more, and what would consume the run of
    one that is left out.
    """
    for adoption in adoptions:
        check_adoption(adoption.source_run_id, adoption.name, adoption.options)
    sources = _sound_sources(session, scope, [adoption.source_run_id for adoption in adoptions])
    chosen = _choose(adoptions, _nodes_tried(session, pipeline), sources)
    if not chosen:
        return []
    now = utc_now()
    session.execute(insert(tables.Run), [_run_row(scope, pipeline, adoption, now) for adoption in chosen])
    by_id = _rows_of(session, [adoption.run_id for adoption in chosen])
    rows = [by_id[adoption.run_id] for adoption in chosen]
    pairs = [*zip(chosen, rows, strict=True)]
    labels = [label for adoption, row in pairs for label in _label_rows(scope, adoption, row)]
    session.execute(insert(tables.RunLabel), labels)
    _copy_results(session, [row.key for row in rows])
    _name_pipeline_outputs(session, pairs)
    put_all_inputs(
        session, scope, [(row, [replace(item, run_id=row.id) for item in adoption.inputs]) for adoption, row in pairs]
    )
    for adoption, row in pairs:
        register_outputs(session, scope, row, adoption.registrations)
    return rows


def _sound_sources(session: Session, scope: Scope, run_ids: Iterable[str]) -> set[str]:
    """Return which of these runs have results that can be taken; until the transaction ends nobody collects them."""
    run, label, output = tables.Run, tables.RunLabel, tables.Output
    keys: dict[int, str] = {}
    for batch in in_batches(sorted(set(run_ids))):
        own = (run.id.in_(batch), run.workspace_id == scope.workspace_id)
        query = select(run.key, run.id).where(*own, run.kind == "step", run.status == "Completed")
        # Shared, and in one order for all who do this: many adopt at once, and `Retention.collect` waits for them.
        query = query.order_by(run.key).with_for_update(read=True)
        keys |= {row.key: row.id for row in session.execute(query)}
    for part in _parts(keys):
        taken = select(label.run_key).where(label.run_key.in_(part), label.kind == "property", label.name == REUSED_RUN)
        invalid = select(Result.run_key).where(Result.run_key.in_(part), Result.invalidated_at.is_not(None))
        collected = select(output.run_key).where(output.run_key.in_(part), output.collected_at.is_not(None))
        for query_of_bad in (taken, invalid, collected):
            for key in session.scalars(query_of_bad):
                keys.pop(key, None)
    return set(keys.values())


def _nodes_tried(session: Session, pipeline: tables.Run) -> set[str | None]:
    run = tables.Run
    return {*session.scalars(select(run.node_id).where(run.parent_id == pipeline.id, run.kind == "step"))}


def _choose(adoptions: Iterable[Adoption], tried: Collection[str | None], sources: Collection[str]) -> list[Adoption]:
    chosen, left_out = [], set()
    for adoption in adoptions:
        is_free = adoption.options.get("node_id") not in tried and adoption.source_run_id in sources
        if is_free and not any(item.producer_run_id in left_out for item in adoption.inputs):
            chosen.append(adoption)
        else:
            left_out.add(adoption.run_id)
    return chosen


def _run_row(scope: Scope, pipeline: tables.Run, adoption: Adoption, now: object) -> dict[str, object]:
    options: RunOptions = {"status": "Completed", **adoption.options, "id": adoption.run_id}
    return {
        **run_values(adoption.name, "step", options),
        "workspace_id": scope.workspace_id,
        "parent_id": pipeline.id,
        "root_id": pipeline.root_id,
        "experiment_key": pipeline.experiment_key,
        "attempt": 1,
        "created_at": now,
        "started_at": now,
        "ended_at": now,
    }


def _label_rows(scope: Scope, adoption: Adoption, row: tables.Run) -> list[dict[str, str | int]]:
    properties = {REUSED_RUN: adoption.source_run_id, **adoption.options.get("properties", {})}
    return [
        *label_rows(scope, row.key, "tag", adoption.options.get("tags", {})),
        *label_rows(scope, row.key, "property", properties),
    ]


def _rows_of(session: Session, run_ids: Iterable[str]) -> dict[str, tables.Run]:
    return {
        row.id: row
        for batch in in_batches(run_ids)
        for row in session.scalars(select(tables.Run).where(tables.Run.id.in_(batch)))
    }


def _copy_results(session: Session, keys: Sequence[int]) -> None:
    """Copy outputs, metrics and files to the runs of these keys, each from the run that its property names."""
    label, source = tables.RunLabel, aliased(tables.Run)
    for table in (tables.Output, tables.Metric, tables.Artifact):
        whole = tables.Base.metadata.tables[table.__tablename__]
        left_out = {"key", "run_key", "dataset_name", "dataset_version"}
        columns = [column for column in whole.columns if column.name not in left_out]
        for part in _parts(keys):
            # In the database: a run may have logged a hundred thousand points.
            query = (
                select(label.run_key, *columns)
                .join(source, source.id == label.value)
                .join(whole, whole.c.run_key == source.key)
                .where(label.run_key.in_(part), label.kind == "property", label.name == REUSED_RUN)
                .order_by(label.run_key, *whole.primary_key.columns)
            )
            session.execute(insert(whole).from_select(["run_key", *(column.name for column in columns)], query))


def _name_pipeline_outputs(session: Session, pairs: Iterable[tuple[Adoption, tables.Run]]) -> None:
    output = tables.Output
    wanted = {(row.key, name): text for adoption, row in pairs for name, text in adoption.pipeline_outputs.items()}
    for part in _parts({key for key, _ in wanted}):
        query = select(output.run_key, output.name, output.pipeline_output_name).where(output.run_key.in_(part))
        for key, name, present in session.execute(query).all():
            text = wanted.get((key, name), present)
            if text != present:
                own = (output.run_key == key, output.name == name)
                session.execute(update(output).where(*own).values(pipeline_output_name=text))


def _parts(keys: Iterable[int], size: int = 500) -> list[list[int]]:
    ordered = sorted(keys)
    return [ordered[start : start + size] for start in range(0, len(ordered), size)]
