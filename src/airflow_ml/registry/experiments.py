"""Experiments: named series of runs."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Select, delete, exists, select, update
from sqlalchemy.orm import Session

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry import tables
from airflow_ml.registry.database import Repository, Scope
from airflow_ml.registry.records import ExperimentRecord
from airflow_ml.registry.values import check_name, utc_now

__all__ = ["Experiments", "ensure_experiment", "next_number", "refuse_archived"]


class Experiments(Repository):
    """The experiments of a workspace."""

    def get_or_create(self, name: str) -> ExperimentRecord:
        """Return the experiment of that name, which may be new; archived ones stay archived."""
        with self._database.read() as session:
            row = session.scalars(_named(self._scope, name)).one_or_none()
        if row is None:
            with self._database.write() as session:
                row = ensure_experiment(session, self._scope, name)
        return _record(row)

    def find(self, name: str) -> ExperimentRecord | None:
        """Return the experiment of that name, or None."""
        with self._database.read() as session:
            row = session.scalars(_named(self._scope, name)).one_or_none()
        return _record(row) if row else None

    def get(self, name: str) -> ExperimentRecord:
        """
        Return the experiment of that name.

        Raises:
            UserErrorException: there is none.
        """
        record = self.find(name)
        if record is None:
            raise self._missing(name)
        return record

    def list(self, *, include_archived: bool = False) -> Sequence[ExperimentRecord]:
        """Return the experiments by name."""
        query = select(tables.Experiment).where(tables.Experiment.workspace_id == self._workspace_id)
        if not include_archived:
            query = query.where(tables.Experiment.archived_at.is_(None))
        with self._database.read() as session:
            return [_record(row) for row in session.scalars(query.order_by(tables.Experiment.name))]

    def archive(self, name: str) -> ExperimentRecord:
        """Leave the experiment out of lists, and let it take no new runs; those it has stay."""
        with self._changing(name) as row:
            row.archived_at = row.archived_at or utc_now()
        return _record(row)

    def reactivate(self, name: str) -> ExperimentRecord:
        """Undo `archive`."""
        with self._changing(name) as row:
            row.archived_at = None
        return _record(row)

    def set_tags(self, name: str, tags: Mapping[str, str]) -> ExperimentRecord:
        """Add the tags to those that are there; a tag that is there gets the new value."""
        with self._changing(name) as row:
            row.tags = {**row.tags, **tags}
        return _record(row)

    def remove_tags(self, name: str, tags: Iterable[str]) -> ExperimentRecord:
        """Remove the tags of these names; those that are not there are passed over."""
        gone = {*tags}
        with self._changing(name) as row:
            row.tags = {key: value for key, value in row.tags.items() if key not in gone}
        return _record(row)

    def delete(self, experiment_id: str) -> None:
        """
        Forget an experiment that never had a run.

        Raises:
            UserErrorException: there is none of that id, or it has runs, which are never deleted.
        """
        table = tables.Experiment
        with self._database.write() as session:
            own = (table.workspace_id == self._workspace_id, table.id == experiment_id)
            row = session.scalars(select(table).where(*own).with_for_update()).one_or_none()
            if row is None:
                raise UserErrorException(
                    f"workspace {self._scope.workspace_name!r}: no experiment has the id {experiment_id!r}; take it "
                    "from Experiment.id"
                )
            if session.scalar(select(exists().where(tables.Run.experiment_key == row.key))):
                raise UserErrorException(
                    f"experiment {row.name!r}: it has runs, and only one without runs can be deleted; archive it"
                )
            session.execute(delete(table).where(table.key == row.key))

    @contextmanager
    def _changing(self, name: str) -> Iterator[tables.Experiment]:
        with self._database.write() as session:
            row = session.scalars(_named(self._scope, name).with_for_update(key_share=True)).one_or_none()
            if row is None:
                raise self._missing(name)
            yield row

    def _missing(self, name: str) -> UserErrorException:
        return UserErrorException(
            f"workspace {self._scope.workspace_name!r}: experiment {name!r} does not exist; create it first"
        )


def ensure_experiment(session: Session, scope: Scope, name: str) -> tables.Experiment:
    """Return the experiment's row, which may be new; of two who create it at once one finds the other's."""
    row = session.scalars(_named(scope, name)).one_or_none()
    if row is not None:
        return row
    values = {
        "id": str(uuid.uuid4()),
        "workspace_id": scope.workspace_id,
        "name": check_name("experiment", name),
        "tags": {},
        "last_number": 0,
        "created_at": utc_now(),
    }
    session.execute(scope.database.insert(tables.Experiment).values(values).on_conflict_do_nothing())
    return session.scalars(_named(scope, name)).one()


def refuse_archived(experiment: tables.Experiment) -> None:
    """
    Refuse a new run of an archived experiment.

    Raises:
        UserErrorException: it is archived. (v1 made a second experiment of the same name; here a name is one thing.)
    """
    if experiment.archived_at is not None:
        raise UserErrorException(
            f"experiment {experiment.name!r}: it was archived at {experiment.archived_at:%Y-%m-%d %H:%M} UTC and takes "
            "no new runs; call reactivate() of it, or use another name"
        )


def next_number(session: Session, experiment_key: int) -> int:
    """Take the experiment's next run number; it is given back if the transaction fails."""
    own = tables.Experiment.key == experiment_key
    # The update holds the row until the transaction ends, so what is read next is ours alone.
    statement = update(tables.Experiment).where(own).values(last_number=tables.Experiment.last_number + 1)
    session.execute(statement, execution_options={"synchronize_session": False})
    return session.scalars(select(tables.Experiment.last_number).where(own)).one()


def _named(scope: Scope, name: str) -> Select[tables.Experiment]:
    return select(tables.Experiment).where(
        tables.Experiment.workspace_id == scope.workspace_id, tables.Experiment.name == name
    )


def _record(row: tables.Experiment) -> ExperimentRecord:
    return ExperimentRecord(row.id, row.name, row.description, row.tags, row.created_at, row.archived_at)
