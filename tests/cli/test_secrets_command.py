"""`airflow-ml secrets rotate`, as a person calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from airflow_ml.core import Datastore, Workspace
from airflow_ml.registry.sealing import unseal_secrets

KEY = "AIRFLOW__CORE__FERNET_KEY"


def test_secrets_are_encrypted_with_the_new_key(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `rotate` the new key alone opens what the old one had encrypted."""
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    monkeypatch.setenv(KEY, old)
    workspace = Workspace.create("ml", show_output=False)
    Datastore.register_azure_my_sql(workspace, "db", "server", "database", "user", "word")

    command = [sys.executable, "-m", "airflow_ml.cli.main", "secrets", "rotate", "--workspace", "ml"]
    done = subprocess.run(
        command, env={**os.environ, KEY: f"{new},{old}"}, cwd=home, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "workspace ml: 1 records encrypted anew\n"), done.stderr
    monkeypatch.setenv(KEY, new)
    assert unseal_secrets(workspace.registry().datastores.get("db").secret, where="db") == {"password": "word"}
