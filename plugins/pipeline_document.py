"""What is shown of pipelines: those that were published, and those of DAGs, with how their last runs went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_ml.plugins.run_document import run_summary

if TYPE_CHECKING:
    from airflow_ml.graph import Json
    from airflow_ml.plugins.access import RunAccess
    from airflow_ml.registry import PublishedPipelineRecord, Registry, RunRecord

__all__ = ["RECENT", "dag_rows", "published_rows", "runs_of_published"]

#: Runs of a pipeline that rates are taken of.
RECENT = 10

PAGE = 25

#: DAGs that are looked at for one page, so that it ends for readers who may see few of them too.
_LOOKED_AT = 4 * PAGE


def dag_rows(registry: Registry, access: RunAccess, after: str) -> tuple[list[Json], str | None]:
    """Return a page of the DAGs that pipelines ran in, by name, and what the next page comes after."""
    found = registry.listings.dags(after=after, limit=_LOOKED_AT)
    seen = [dag_id for dag_id in found if access.may_see_dag(dag_id)]
    shown = seen[:PAGE]
    runs = {dag_id: registry.listings.pipeline_runs(dag_id, limit=RECENT) for dag_id in shown}
    rows = _rows(registry, [({"dag_id": dag_id}, own) for dag_id, own in runs.items()])
    if len(seen) > PAGE:
        return rows, shown[-1]
    return rows, found[-1] if len(found) == _LOOKED_AT else None


def published_rows(registry: Registry, access: RunAccess, before: str | None) -> tuple[list[Json], str | None]:
    """Return a page of the published pipelines, newest first, and what the next page comes before."""
    found = registry.listings.published(before=before, limit=PAGE + 1)
    shown = found[:PAGE]
    rows = _rows(
        registry, [(_published(record), runs_of_published(registry, access, record.id, RECENT)) for record in shown]
    )
    return rows, shown[-1].id if len(found) > PAGE else None


def runs_of_published(registry: Registry, access: RunAccess, pipeline_id: str, limit: int) -> Sequence[RunRecord]:
    """Return the newest runs of a published pipeline that the reader may see."""
    found = registry.runs.list(properties={"azureml.pipelineid": pipeline_id}, limit=limit)
    return [run for run in found if access.may_see(run)]


def _published(record: PublishedPipelineRecord) -> dict[str, Json]:
    return {
        "id": record.id,
        "name": record.name,
        "description": record.description,
        "version": record.version,
        "status": record.status,
        "steps": record.steps,
        "created_at": record.created_at.isoformat(timespec="milliseconds"),
    }


def _rows(registry: Registry, found: Sequence[tuple[dict[str, Json], Sequence[RunRecord]]]) -> list[Json]:
    """Add to each row its last run, and how its recent ones went; one question for the steps of all."""
    counts = registry.listings.step_counts(run.id for _, runs in found for run in runs)
    rows: list[Json] = []
    for row, runs in found:
        ended = [run for run in runs if run.is_final]
        rows.append(
            {
                **row,
                "title": runs[0].name if runs else None,
                "experiment": runs[0].experiment if runs else None,
                "last_run": run_summary(runs[0]) if runs else None,
                "recent": [{"id": run.id, "status": run.status} for run in reversed(runs)],
                "ended": len(ended),
                "completed": sum(run.status == "Completed" for run in ended),
                "recent_steps": sum(counts[run.id].steps for run in runs),
                "reused_steps": sum(counts[run.id].reused for run in runs),
            }
        )
    return rows
