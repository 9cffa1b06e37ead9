"""
The DAGs that an Airflow service makes of a workspace's pipelines, version by version.

Versions of a workspace are whole numbers without gaps, and the content of a version never changes: of each DAG it has
the newest entry up to that number. What tasks ask is read without SQLAlchemy where the registry is a file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from airflow_ml._late import late
from airflow_ml.registry.database import Repository, rows_of
from airflow_ml.registry.sealed_json import opened, opened_text, sealed
from airflow_ml.registry.values import canonical_json, check_name, utc_now

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from airflow_ml.graph.model import Json
    from airflow_ml.registry import graph_texts, service_tables
    from airflow_ml.registry.plain_reads import PlainSession
else:
    graph_texts = late("airflow_ml.registry.graph_texts")
    service_tables = late("airflow_ml.registry.service_tables")

__all__ = ["NEWEST", "ChangedDag", "DagVersionRecord", "DagVersions"]

#: Airflow's own limit of the ids of DAGs, in bytes of the longest characters.
_LONGEST_ID = 250 * 4

#: Stands for the newest version.
NEWEST = (1 << 63) - 1


@dataclass(frozen=True)
class DagVersionRecord:
    """
    A DAG in one version.

    Attributes:
        number: of the first version of the workspace's DAGs that has it like this.
        graph_json: the JSON text of its graph.
        arguments: JSON values for `airflow_ml.translation.dags.to_dag`.
    """

    dag_id: str
    number: int
    graph_json: str
    arguments: Mapping[str, Json]
    created_at: datetime


@dataclass(frozen=True)
class ChangedDag:
    """A DAG that is new, other than before, or removed."""

    dag_id: str
    number: int
    is_removed: bool
    created_at: datetime


class DagVersions(Repository):
    """The DAGs of a workspace's pipelines, version by version."""

    def add(self, dag_id: str, *, graph_json: str, arguments: Mapping[str, Json]) -> DagVersionRecord:
        """Record a DAG, and return its newest version: the one that is there, if that is the same."""
        check_name("DAG", dag_id, limit=_LONGEST_ID)
        newest = self.find(dag_id)
        if newest is not None and _is_same(newest, graph_json, arguments):
            return newest
        with self._database.write() as session:
            self._scope.lock(session)
            newest = self._newest(session, dag_id)
            if newest is not None and _is_same(newest, graph_json, arguments):
                return newest
            key = graph_texts.save_graph(session, self._scope, graph_json).key
            row = self._insert(session, dag_id, key, sealed({**arguments}))
        return DagVersionRecord(dag_id, row.number, graph_json, {**arguments}, row.created_at)

    def remove(self, dag_id: str) -> int | None:
        """Record that a DAG is no longer there, and return the number of that version; None if it was not there."""
        with self._database.write() as session:
            self._scope.lock(session)
            if self._newest(session, dag_id) is None:
                return None
            return int(self._insert(session, dag_id, None, {}).number)

    def find(self, dag_id: str, *, at: int = NEWEST) -> DagVersionRecord | None:
        """
        Return a DAG as it is in a version, or None if it is not there.

        Args:
            at: the version's number.

        Raises:
            UserErrorException: it has secrets, which were encrypted with a key that this process does not have.
        """
        with self._database.look_up() as session:
            return self._newest(session, dag_id, at)

    def last_number(self) -> int:
        """Return the number of the newest version; 0 is the one before the first DAG."""
        with self._database.look_up() as session:
            [row] = rows_of(session, "last_dag_version", workspace=self._workspace_id)
        return int(row.number or 0)

    def changes(self, *, after: int, until: int) -> Sequence[ChangedDag]:
        """Return what makes one version out of an earlier one: each changed DAG once, as it is in the later one."""
        with self._database.look_up() as session:
            rows = rows_of(session, "changed_dags", workspace=self._workspace_id, after=after, number=until)
        last = {row.dag_id: row for row in rows}
        return [ChangedDag(row.dag_id, row.number, row.graph_key is None, row.created_at) for row in last.values()]

    def _newest(self, session: Session | PlainSession, dag_id: str, at: int = NEWEST) -> DagVersionRecord | None:
        rows = rows_of(session, "dag_version", workspace=self._workspace_id, dag_id=dag_id, number=at)
        return None if not rows or rows[0].body is None else _record(rows[0])

    def _insert(
        self, session: Session, dag_id: str, graph_key: int | None, arguments: Json
    ) -> service_tables.DagVersion:
        [last] = rows_of(session, "last_dag_version", workspace=self._workspace_id)
        row = service_tables.DagVersion(
            workspace_id=self._workspace_id,
            number=(last.number or 0) + 1,
            dag_id=dag_id,
            graph_key=graph_key,
            arguments=arguments,
            created_at=utc_now(),
        )
        session.add(row)
        session.flush()
        return row


def _record(row: Any) -> DagVersionRecord:
    where = f"DAG {row.dag_id!r}"
    arguments = cast("dict[str, Json]", opened(row.arguments, where=where))
    return DagVersionRecord(row.dag_id, row.number, opened_text(row.body, where=where), arguments, row.created_at)


def _is_same(record: DagVersionRecord, graph_json: str, arguments: Mapping[str, Json]) -> bool:
    known = (_plain(record.graph_json), canonical_json({**record.arguments}))
    return known == (_plain(graph_json), canonical_json({**arguments}))


def _plain(text: str) -> str:
    """Return the one text of a JSON document; opening what is sealed in it writes it anew."""
    return canonical_json(json.loads(text))
