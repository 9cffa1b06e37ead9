"""What the registry holds encrypted, with which keys, and how keys are changed."""

from __future__ import annotations

import json
import stat
import threading
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph import WorkspaceRef
from airflow_ml.registry import Registry, open_registry
from airflow_ml.registry.fernet_keys import CONFIG_VARIABLE, fernet_keys, handed_on_settings
from airflow_ml.registry.resealing import reseal_registry
from airflow_ml.registry.sealed_json import MARK, opened, opened_text, sealed, sealed_parameters, sealed_text
from airflow_ml.registry.sealing import seal_secrets, unseal_secrets

FIRST, SECOND = Fernet.generate_key().decode(), Fernet.generate_key().decode()
KEY, COMMAND = "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__CORE__FERNET_KEY_CMD"


@pytest.fixture
def registry(home: Path) -> Registry:
    """Make a workspace in the test's home."""
    return open_registry(WorkspaceRef("w"))


def plain(value: object) -> str:
    """Return what of a sealed value can be read."""
    return json.dumps(value)


@pytest.mark.parametrize(
    "value",
    [
        {"environment_variables": {"ANY": "SECRET"}},
        {"environment": {"environment_variables": {"ANY": "SECRET"}}},
        {"parameters": {"db_password": "SECRET"}},
        {"parameters": [{"name": "db_password", "kind": "string", "default": "SECRET"}]},
        {"parameters": [["api-key", "SECRET"]]},
        {"params": {"token": ["SECRET"]}},
        {"arguments": [["--password"], ["SECRET"], ["--x"]]},
        {"arguments": [["--token=SECRET"]]},
        {"sources": [{"url": "https://host/f?any=SECRET"}]},
        {"default": "https://account.blob.core.windows.net/c/f?sv=1&sig=SECRET"},
        {"option": "--index-url https://user:SECRET@host/simple"},
        {"text": "AccountName=a;AccountKey=SECRET;"},
        {"registry": {"username": "u", "password": "SECRET"}},
    ],
)
def test_secrets_of_documents_are_sealed(home: Path, value: dict[str, object]) -> None:
    """Variables, secret-looking parameters, options and texts are encrypted, and come back as they were."""
    kept = sealed(value)  # type: ignore[arg-type]

    assert "SECRET" not in plain(kept)
    assert opened(kept, where="test") == value
    assert opened_text(sealed_text(json.dumps(value)), where="test") == json.dumps(value)


def test_the_rest_is_left_alone(home: Path) -> None:
    """A document without secrets stays the text it is, and needs no key."""
    text = '{"arguments": [["--rate"], ["0.1"], ["--password"], [{"name": "p", "type": "parameter"}]], "b": [1, null]}'

    assert sealed_text(text) == text
    assert opened_text(text, where="test") == text
    assert not (home / "fernet.key").exists()


def test_what_looks_sealed_is_a_text(home: Path) -> None:
    """A text of the user's own that begins like a sealed one comes back as it is: nobody has it opened."""
    values = {"name": MARK + "abc"}

    assert opened(sealed_parameters(values), where="test") == values


def test_numbers_are_sealed_too(home: Path) -> None:
    """Parameters keep their types; values that say nothing need no key."""
    values = {"pin_token": 1234, "secret_flag": True, "empty_secret": "", "no_secret": None}
    kept = sealed_parameters(values)

    assert (kept["empty_secret"], kept["no_secret"]) == ("", None)
    assert "1234" not in plain(kept)
    assert opened(kept, where="test") == values


def test_key_file_is_made_once_and_private(home: Path) -> None:
    """Without Airflow's key there is one of the home's own; threads that need it at once agree on it."""
    found: list[tuple[str, ...]] = []
    threads = [threading.Thread(target=lambda: found.append(fernet_keys())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({*found}) == 1
    assert stat.S_IMODE((home / "fernet.key").stat().st_mode) == 0o600
    assert [file.name for file in home.iterdir()] == ["fernet.key"]


def test_airflows_key_is_found_as_airflow_finds_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment counts first, then a command, then airflow.cfg, and no key of ours is made."""
    config = home.parent / "airflow.cfg"
    config.write_text(f"[core]\nfernet_key = {FIRST}\n[other]\nx = 50%\n")
    monkeypatch.setenv(CONFIG_VARIABLE, str(config))
    assert fernet_keys() == (FIRST,)
    assert handed_on_settings() == {CONFIG_VARIABLE: str(config)}

    monkeypatch.setenv(COMMAND, f"echo {SECOND}")
    assert fernet_keys() == (SECOND,)
    monkeypatch.setenv(KEY, f"{SECOND}, {FIRST}")
    assert fernet_keys() == (SECOND, FIRST)
    assert not (home / "fernet.key").exists()


@pytest.mark.parametrize(("name", "value"), [(KEY, "short"), (COMMAND, "false SECRET"), (COMMAND, "'unclosed")])
def test_wrong_key_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A key that is none, and a command that fails, are errors that do not repeat them."""
    monkeypatch.setenv(name, value)

    with pytest.raises(UserErrorException, match="fernet_key") as raised:
        seal_secrets({"a": "b"})
    assert value not in str(raised.value)


def test_keys_are_rotated(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the new key before the old one everything is encrypted anew, after which the old one is not needed."""
    monkeypatch.setenv(KEY, FIRST)
    registry.datastores.put("s", type="T", settings={}, secret=seal_secrets({"account_key": "k"}))
    registry.environments.register("e", {"environment_variables": {"A": "x"}})
    definition = {"kind": "file", "sources": [{"url": "https://host/f?sig=x"}]}
    dataset = registry.datasets.save(definition)
    graph = json.dumps({"steps": [{"environment_variables": {"A": "x"}}]})
    parameters = sealed_parameters({"password": "x"})
    run = registry.runs.create("e", "p", kind="pipeline", graph_json=graph, details={"parameters": parameters})

    monkeypatch.setenv(KEY, f"{SECOND},{FIRST}")
    assert reseal_registry(registry) == 5
    monkeypatch.setenv(KEY, SECOND)

    assert unseal_secrets(registry.datastores.get("s").secret, where="s") == {"account_key": "k"}
    assert registry.environments.get("e").definition == {"environment_variables": {"A": "x"}}
    assert registry.datasets.get(dataset).definition == definition
    assert registry.datasets.save(definition) == dataset
    assert registry.runs.graph(run.id) == graph
    assert opened(registry.runs.get(run.id).details["parameters"], where="r") == {"password": "x"}


def test_a_lost_key_is_an_error(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was encrypted with a key that is gone says so, and what needs no secret can still be read."""
    monkeypatch.setenv(KEY, FIRST)
    graph = json.dumps({"steps": [{"environment_variables": {"A": "x"}}]})
    run = registry.runs.create("e", "p", kind="pipeline", graph_json=graph)
    monkeypatch.setenv(KEY, SECOND)

    with pytest.raises(UserErrorException, match="another Fernet key"):
        registry.runs.graph(run.id)
    assert MARK in str(registry.runs.graph(run.id, is_sealed=True))
