"""
Rows that a transfer added to a table: whether they are still there, as far as their number tells.

What a table holds cannot be compared byte by byte. Its number of rows is noted when they have been added; if there
are fewer now, somebody has deleted some, and the copy is not as it was.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from airflow_ml.exceptions import UserErrorException
from airflow_ml.storage.databases import DatabaseStore
from airflow_ml.storage.protocol import join_path

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_ml.registry import OutputRecord
    from airflow_ml.storage.protocol import ReadableStore

__all__ = ["RECEIPT", "missing_rows", "receipt_text"]

#: The file of an output that says which rows were added.
RECEIPT = "rows.json"


def receipt_text(*, datastore: str, table: str, rows: int, rows_in_table: int) -> str:
    """Return what an output holds of rows that were added; `rows_in_table` counts them too."""
    return json.dumps({"datastore": datastore, "table": table, "rows": rows, "rows_in_table": rows_in_table}, indent=1)


def missing_rows(stores: Callable[[str], ReadableStore], store: ReadableStore, record: OutputRecord) -> str | None:
    """
    Return None if the table has as many rows as after the copy, else why it is not as it was.

    Raises:
        ServiceException: store or database do not answer.
    """
    with store.open_read(join_path(record.path, RECEIPT)) as stream:
        receipt = json.load(stream)
    datastore, table = str(receipt["datastore"]), str(receipt["table"])
    try:
        database = cast("DatabaseStore", stores(datastore)).database
        rows = database.count(table)
    except (UserErrorException, AttributeError) as error:
        return f"output deleted: {record.name}: {error}"
    if rows < receipt["rows_in_table"]:
        return (
            f"output deleted: {record.name}: table {table!r} has {rows:,} rows, and had {receipt['rows_in_table']:,}"
            " after they were added"
        )
    return None
