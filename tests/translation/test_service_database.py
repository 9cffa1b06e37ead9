"""Which database the service uses, and what is shown of it."""

from pathlib import Path

import pytest

from airflow_ml.exceptions import UserErrorException
from airflow_ml.translation.service_database import VARIABLE, has_password, resolve_database


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(VARIABLE, raising=False)


def test_sqlite_file_is_the_default(tmp_path: Path):
    """Without a URL Airflow's records are in a file of the service."""
    database = resolve_database(None, tmp_path / "airflow.db")

    assert database.url == f"sqlite:///{tmp_path}/airflow.db"
    assert database.file == tmp_path / "airflow.db"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_password_is_kept_for_airflow_and_shown_to_nobody(tmp_path: Path, scheme: str):
    """The URL that is shown has neither password nor options."""
    database = resolve_database(f"{scheme}://ann:secret@db:5433/air?sslpassword=hidden", tmp_path)

    assert database.url == "postgresql+psycopg2://ann:secret@db:5433/air?sslpassword=hidden"
    assert database.shown == f"{scheme}://ann@db:5433/air"
    assert "secret" not in repr(database)
    assert "hidden" not in repr(database)


def test_variable_names_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The environment names the database unless the caller does."""
    monkeypatch.setenv(VARIABLE, "postgresql://db/one")

    assert resolve_database(None, tmp_path).shown == "postgresql://db/one"
    assert resolve_database("postgresql://db/two", tmp_path).shown == "postgresql://db/two"


@pytest.mark.parametrize("url", ["mysql://ann:secret@db/air", "postgresql", "postgresql://", "x"])
def test_other_databases_are_refused_without_their_password(tmp_path: Path, url: str):
    """The error says what a URL looks like, and nothing of the password."""
    with pytest.raises(UserErrorException, match="not a PostgreSQL URL") as caught:
        resolve_database(url, tmp_path)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://ann:secret@db/air", True),
        ("postgresql://db/air?user=ann&password=secret", True),
        ("postgresql://ann@db/air", False),
    ],
)
def test_password_in_a_url_is_seen(url: str, expected: bool):
    """A URL with a password in any place is one that must not stand in an argument list."""
    assert has_password(url) is expected
