"""
A database among stores: queries are its files.

Whoever reads datasets asks stores for files. A database has none, but each query comes to one: its rows, as a parquet
file. So what stages datasets, compares them and hands them to scripts needs to know nothing of databases, and the
script's process gets no credentials.

A query is asked once for as long as the store is open, or until `forget`. So a step's fingerprint, what its script
reads and the last look before its result is offered speak of the same rows, whatever happens to the table meanwhile.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn, cast

from airflow_ml.exceptions import ServiceException, UserErrorException
from airflow_ml.runtime.sources import QUERY_SECONDS
from airflow_ml.storage.databases.scratch import Scratch
from airflow_ml.storage.databases.sources import Query
from airflow_ml.storage.protocol import FileInfo

if TYPE_CHECKING:
    from airflow_ml.graph.model import Json
    from airflow_ml.storage.databases.database import Database

__all__ = ["QUERY_FILE", "DatabaseStore", "query_path"]

#: What the file with a query's rows is called in a dataset.
QUERY_FILE = "query.parquet"

#: What writers ask of a store.
_OF_FILES = frozenset({"adopt", "adopts", "copy", "delete", "make_folder", "put_files", "write"})

#: What the paths of queries stand for.
_ASKED: dict[str, Mapping[str, Json]] = {}

#: Rows of a query have no time of their own; an equal file has an equal one.
_NO_TIME = datetime(1970, 1, 1, tzinfo=timezone.utc)


def query_path(source: Mapping[str, Json], limit: int | None = None) -> str:
    """
    Return the path of a query's rows, by which every store of the same database in this process can ask for them.

    It is a digest: paths are shown in errors, and values of parameters may be secret.

    Args:
        source: of a definition: `query`, and as needed `parameters` and `timeout`.
        limit: rows that are wanted at most.
    """
    asked = {key: source[key] for key in ("query", "parameters", "timeout") if source.get(key) is not None}
    if limit is not None:
        asked["limit"] = limit
    path = f"query-{hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:32]}"
    _ASKED[path] = asked
    return path


@dataclass(frozen=True)
class _Answer:
    info: FileInfo
    place: Path


class DatabaseStore:
    """
    The queries of a database, each as one file; safe for several threads.

    Every method that means a file or folder that a database cannot have raises UserErrorException.

    Attributes:
        database: what the queries go to.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lock = threading.Lock()
        self._counter = itertools.count()
        self._answers: dict[str, _Answer] = {}
        self._scratch: Scratch | None = None

    @property
    def identity(self) -> str:
        """Text that tells this database from every other one."""
        return self.database.identity

    def forget(self) -> None:
        """Ask again from now on."""
        with self._lock:
            for answer in self._answers.values():
                answer.place.unlink(missing_ok=True)
            self._answers.clear()

    def stat(self, path: str) -> FileInfo:
        """Ask the query, unless it was asked, and return what is known of its rows; their digest is their ETag."""
        return self._answer(path).info

    def open_read(self, path: str) -> BinaryIO:
        """Open the file with a query's rows."""
        return self._answer(path).place.open("rb")

    def get(self, path: str, target: Path, *, etag: str | None = None) -> None:
        """Copy the file with a query's rows."""
        answer = self._answer(path)
        if etag is not None and etag != answer.info.etag:
            raise ServiceException(
                f"datastore {self.database.name!r}: the query gives other rows than when it was asked first; try again"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        arriving = target.with_name(f"{target.name}.part")
        shutil.copyfile(answer.place, arriving)
        arriving.replace(target)

    def exists(self, path: str) -> bool:
        """Tell that a database has no files."""
        return self._no_files(path)

    def is_folder(self, path: str) -> bool:
        """Tell that a database has no folders."""
        return self._no_files(path)

    def list(self, folder: str = "", *, recursive: bool = True) -> Iterator[FileInfo]:  # noqa: ARG002
        """Tell that a database has no files."""
        return self._no_files(folder)

    def local_path(self, path: str) -> Path | None:  # noqa: ARG002
        """Return None: the file is gone with the store."""
        return None

    def __getattr__(self, name: str) -> NoReturn:
        """Refuse what only a store of files can do, such as `write`."""
        if name not in _OF_FILES:
            raise AttributeError(name)
        raise self.refusal(f"{name!r} needs files")

    def refusal(self, reason: str) -> UserErrorException:
        """Return the error for something that needs files."""
        return UserErrorException(
            f"datastore {self.database.name!r}: is a database: it has tables, not files, and {reason}; read it with"
            " Dataset.Tabular.from_sql_query, or copy it to files with a DataTransferStep"
        )

    def _answer(self, path: str) -> _Answer:
        with self._lock:
            if path not in self._answers:
                self._answers[path] = self._ask(path)
            return self._answers[path]

    def _ask(self, path: str) -> _Answer:
        asked = _ASKED.get(path)
        if asked is None:
            self._no_files(path)
        query = Query(str(asked["query"]), cast("Mapping[str, object]", asked.get("parameters") or {}))
        self._scratch = self._scratch or Scratch()
        place = self._scratch.folder / f"{next(self._counter)}.parquet"
        exported = self.database.export(
            query,
            place,
            "parquet",
            timeout=cast("float", asked.get("timeout", QUERY_SECONDS)) or None,  # 0 is no limit, as in v1
            limit=cast("int | None", asked.get("limit")),
            exact=False,
        )
        digest = f"sha256:{exported.sha256}"
        return _Answer(FileInfo(path, exported.size, digest, _NO_TIME, digest), place)

    def _no_files(self, path: str) -> NoReturn:
        raise self.refusal(f"it has no file or folder {path!r}")
