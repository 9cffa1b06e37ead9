"""
Meetings: the nodes of a distributed step tell each other where they are, how far they have come, and that they live.

A node that is not heard of is judged by the database's clock, which all of them share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from sqlalchemy import delete, select, update

from airflow_ml.registry import reuse_tables
from airflow_ml.registry.database import Repository
from airflow_ml.registry.database_clock import DatabaseClock

__all__ = ["Meetings", "NodeRecord", "NodeState"]

#: A node prepares, has everything that it needs, has done its part, needs nobody any more, or has failed.
NodeState: TypeAlias = Literal["coming", "ready", "done", "over", "failed"]

_table = reuse_tables.StepNode

#: Rows of meetings that ended so long ago are of no use to anybody.
_FORGOTTEN_SECONDS = 86_400.0


@dataclass(frozen=True)
class NodeRecord:
    """
    One node of a step.

    Attributes:
        silent_for: seconds since it was last heard of.
    """

    node: int
    address: str
    ports: tuple[int, ...]
    state: NodeState
    message: str | None
    silent_for: float


class Meetings(Repository):
    """The meetings of a workspace; each is called by the id of the step run that its nodes compute together."""

    def join(self, run_id: str, node: int, *, address: str, ports: Sequence[int]) -> None:
        """Say that a node is there; one that comes again, because its task was started anew, replaces itself."""
        values = {
            "address": address,
            "ports": list(ports),
            "state": "coming",
            "message": None,
            "seen_at": DatabaseClock(),
        }
        statement = self._database.insert(_table).values(
            workspace_id=self._workspace_id, run_id=run_id, node=node, **values
        )
        statement = statement.on_conflict_do_update(index_elements=["workspace_id", "run_id", "node"], set_=values)
        is_old = _table.seen_at < DatabaseClock() - _FORGOTTEN_SECONDS
        with self._database.write() as session:
            session.execute(delete(_table).where(_table.workspace_id == self._workspace_id, is_old))
            session.execute(statement)

    def tell(
        self, run_id: str, node: int, state: NodeState | None = None, message: str | None = None
    ) -> Sequence[NodeRecord]:
        """Say that a node lives, and perhaps how far it is, and return all of the nodes that have come."""
        own = (_table.workspace_id == self._workspace_id, _table.run_id == run_id, _table.node == node)
        news = {} if state is None else {"state": state, "message": message}
        with self._database.write() as session:
            session.execute(update(_table).where(*own).values(seen_at=DatabaseClock(), **news))
        return self.nodes(run_id)

    def nodes(self, run_id: str) -> Sequence[NodeRecord]:
        """Return the nodes that have come, by their number."""
        query = (
            select(_table, (DatabaseClock() - _table.seen_at).label("silent_for"))
            .where(_table.workspace_id == self._workspace_id, _table.run_id == run_id)
            .order_by(_table.node)
        )
        with self._database.read() as session:
            return [
                NodeRecord(
                    row.node, row.address, tuple(row.ports), cast("NodeState", row.state), row.message, silent_for
                )
                for row, silent_for in session.execute(query)
            ]
