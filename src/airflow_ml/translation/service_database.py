"""Which database the background service keeps Airflow's metadata in."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from airflow_ml.exceptions import UserErrorException

__all__ = ["VARIABLE", "Database", "has_password", "resolve_database"]

#: Environment variable that names the database.
VARIABLE = "AIRFLOW_ML_SERVICE_DATABASE"

_POSTGRESQL = ("postgresql", "postgres")


@dataclass(frozen=True)
class Database:
    """
    A database for Airflow.

    Attributes:
        url: with the password, for Airflow's environment alone.
        shown: for people, without password and options.
        file: of SQLite.
    """

    url: str
    shown: str
    file: Path | None = None

    def __repr__(self) -> str:
        return f"Database({self.shown!r})"


def resolve_database(url: str | None, default_file: Path) -> Database:
    """
    Return the database of that URL, or of the environment variable, or else the SQLite file.

    Raises:
        UserErrorException: it is not a PostgreSQL URL, or the driver is missing.
    """
    given = url or os.environ.get(VARIABLE)
    if not given:
        return Database(f"sqlite:///{default_file}", f"sqlite:///{default_file}", default_file)
    scheme, _, rest = given.partition("://")
    backend, _, driver = scheme.partition("+")
    shown = _shown(given)
    if backend not in _POSTGRESQL or not rest:
        raise UserErrorException(
            f"service: database {shown!r} is not a PostgreSQL URL such as postgresql://user@host/database; correct"
            " it, or leave it out for an SQLite file"
        )
    driver = driver or "psycopg2"
    if importlib.util.find_spec(driver) is None:
        raise UserErrorException(f"service: database {shown!r}: {driver} is missing; install airflow-ml[postgres]")
    return Database(f"postgresql+{driver}://{rest}", shown)


def has_password(url: str) -> bool:
    """Whether the URL's text has a password in it."""
    return urlsplit(url).password is not None or "password=" in urlsplit(url).query


def _shown(url: str) -> str:
    try:
        parts = urlsplit(url)
        user = f"{parts.username}@" if parts.username else ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:  # a port that is no number, for instance: what follows may be anything
        return "(cannot be read)"
    return f"{parts.scheme}://{user}{parts.hostname or ''}{port}{parts.path}"
