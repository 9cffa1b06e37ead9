"""
The questions that are asked before anything is run, as SQLAlchemy statements.

A plan of unchanged steps asks these alone, and importing SQLAlchemy with the tables would take longer than all of it.
So each is kept as SQLite's text too, in `airflow_ml.registry.compiled_statements`, which is never edited:
`make statements` writes it anew after a change here or to the tables, and a test compares. Whoever asks calls
`rows_of`; which way a question goes, only `airflow_ml.registry.database` knows.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BindParameter,
    Boolean,
    ColumnElement,
    Select,
    bindparam,
    column,
    exists,
    func,
    inspect,
    literal_column,
    select,
    table,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from airflow_ml.registry.columns import JsonText, UtcTime
from airflow_ml.registry.reuse_tables import Result
from airflow_ml.registry.schema import VERSION_TABLE
from airflow_ml.registry.service_tables import Base, DagVersion
from airflow_ml.registry.tables import (
    ComputeTarget,
    Datastore,
    Experiment,
    GraphText,
    Output,
    Run,
    RunLabel,
    Workspace,
)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    _Select = Select[Unpack[tuple[Any, ...]]]

__all__ = ["STATEMENTS", "compiled_module"]

_WORKSPACE: BindParameter[int] = bindparam("workspace")

#: As a sum, which no index has: for more than eight ids SQLite would rather walk through all runs of the workspace.
_RUN_OF_WORKSPACE = Run.workspace_id + literal_column("0") == _WORKSPACE


def _all(rows: type[Base]) -> list[ColumnElement[Any]]:
    """Return the columns by themselves: rows of them are made faster than objects."""
    return [*inspect(rows).columns]


def _one_of(name: str) -> Any:
    return bindparam(name, expanding=True)


STATEMENTS: Mapping[str, _Select] = {
    "schema_version": select(column("version_num")).select_from(table(VERSION_TABLE)),
    "workspace": select(*_all(Workspace)).where(Workspace.key == _WORKSPACE),
    "workspace_named": select(*_all(Workspace)).where(Workspace.name == bindparam("name")),
    "datastore": select(*_all(Datastore)).where(
        Datastore.workspace_id == _WORKSPACE, Datastore.name == bindparam("name")
    ),
    "compute_target": select(*_all(ComputeTarget)).where(
        ComputeTarget.workspace_id == _WORKSPACE, ComputeTarget.name == bindparam("name")
    ),
    "takeable_results": select(Run.id, *_all(Result))
    .join(Run, Run.key == Result.run_key)
    .where(
        Result.workspace_id == _WORKSPACE,
        Result.fingerprint == bindparam("fingerprint"),
        Result.invalidated_at.is_(None),
        ~exists().where(Output.run_key == Result.run_key, Output.collected_at.is_not(None)),
    )
    .order_by(Result.key.desc())
    .limit(bindparam("most")),
    "results_of_runs": select(Run.id, *_all(Result))
    .join(Run, Run.key == Result.run_key)
    .where(Run.id.in_(_one_of("runs")), _RUN_OF_WORKSPACE),
    "outputs_of_runs": select(Run.id, *_all(Output))
    .join(Run, Run.key == Output.run_key)
    .where(Run.id.in_(_one_of("runs")), _RUN_OF_WORKSPACE)
    .order_by(Output.name),
    "runs": select(*_all(Run)).where(Run.id.in_(_one_of("runs")), _RUN_OF_WORKSPACE),
    "experiments": select(Experiment.key, Experiment.id, Experiment.name).where(Experiment.key.in_(_one_of("keys"))),
    "run_labels": select(RunLabel.run_key, RunLabel.kind, RunLabel.name, RunLabel.value)
    .where(RunLabel.run_key.in_(_one_of("keys")))
    .order_by(RunLabel.name),
    "dag_version": select(*_all(DagVersion), GraphText.body)
    .join(GraphText, GraphText.key == DagVersion.graph_key, isouter=True)
    .where(
        DagVersion.workspace_id == _WORKSPACE,
        DagVersion.dag_id == bindparam("dag_id"),
        DagVersion.number <= bindparam("number"),
    )
    .order_by(DagVersion.number.desc())
    .limit(1),
    "last_dag_version": select(func.max(DagVersion.number).label("number")).where(
        DagVersion.workspace_id == _WORKSPACE
    ),
    "changed_dags": select(DagVersion.dag_id, DagVersion.number, DagVersion.graph_key, DagVersion.created_at)
    .where(
        DagVersion.workspace_id == _WORKSPACE,
        DagVersion.number > bindparam("after"),
        DagVersion.number <= bindparam("number"),
    )
    .order_by(DagVersion.number),
}

_HEAD = '''"""
What `airflow_ml.registry.statements` is in SQLite's words; `make statements` writes this file.

By name: the text, and the columns of its rows with what is made of their values.
"""

from __future__ import annotations

# fmt: off
# ruff: noqa: E501
COMPILED: dict[str, tuple[str, tuple[tuple[str, str], ...]]] = {
'''


def compiled_module() -> str:
    """Return the text of `airflow_ml.registry.compiled_statements`."""
    entries = [
        f"    {name!r}: (\n        {_text(item)!r},\n        {_columns(item)!r},\n    ),\n"
        for name, item in STATEMENTS.items()
    ]
    return "".join([_HEAD, *entries, "}\n"])


def _text(statement: _Select) -> str:
    compiled = statement.compile(dialect=sqlite.dialect(paramstyle="named"))
    text = " ".join(str(compiled).split())
    for name, value in compiled.params.items():
        if value is not None:  # SQLite's LIMIT comes with an OFFSET of 0
            text = re.sub(rf":{name}\b", str(int(value)), text)
    return text


def _columns(statement: _Select) -> tuple[tuple[str, str], ...]:
    columns = statement.selected_columns
    names = [str(item.key) for item in columns]
    if len({*names}) != len(names):
        raise ValueError(f"two columns have one name: {names}; select one of them")
    return tuple((name, _kind(item.type)) for name, item in zip(names, columns, strict=True))


def _kind(kind: TypeEngine[Any]) -> str:
    """Return what the plain way does with a column's values; a test compares what both ways give."""
    for family, name in ((UtcTime, "time"), (JsonText, "json"), (Boolean, "bool")):
        if isinstance(kind, family):
            return name
    return ""


if __name__ == "__main__":
    Path(__file__).with_name("compiled_statements.py").write_text(compiled_module(), encoding="utf-8")
