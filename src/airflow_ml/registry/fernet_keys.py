"""
The Fernet keys that secrets at rest are encrypted with: Airflow's, read the way Airflow reads them, without Airflow.

Airflow's `[core] fernet_key` comes from the environment (`AIRFLOW__CORE__FERNET_KEY`), from a command
(`AIRFLOW__CORE__FERNET_KEY_CMD`) or from `airflow.cfg`. Where there is none, a key of our own is made in
`AIRFLOW_ML_HOME`, which only its owner can read. Several keys, separated by commas, are a rotation: the first one
encrypts, all of them decrypt. A key file that is there always decrypts, so that Airflow may be set up later.
"""

from __future__ import annotations

import configparser
import functools
import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from airflow_ml.exceptions import UserErrorException
from airflow_ml.registry.home import Home

__all__ = ["CONFIG_VARIABLE", "KEY_VARIABLES", "fernet_keys", "handed_on_settings"]

_KEY, _COMMAND = "AIRFLOW__CORE__FERNET_KEY", "AIRFLOW__CORE__FERNET_KEY_CMD"

#: What says where the key is, in an environment. Airflow's `..._SECRET` asks a secrets backend, which only Airflow can.
KEY_VARIABLES = (_KEY, _COMMAND)

#: Names the `airflow.cfg` with the key for processes that we start with an Airflow home of their own.
CONFIG_VARIABLE = "AIRFLOW_ML_AIRFLOW_CONFIG"

_COMMAND_SECONDS = 60


def fernet_keys(home: Home | None = None) -> tuple[str, ...]:
    """
    Return the keys, the one that encrypts first; one is made if there is none.

    Raises:
        UserErrorException: the command fails, or the key file cannot be read or made.
    """
    home = home or Home.default()
    given = _given_keys(home)
    file = home.fernet_key
    if given and not file.exists():
        return given
    return (*given, *_split(_file_key(file)))


def handed_on_settings(home: Home | None = None) -> Mapping[str, str]:
    """
    Return what a process that we start with another Airflow home needs to find the same keys.

    No key is in it: environments of processes can be seen by others of the same user.
    """
    given = {name: os.environ[name] for name in KEY_VARIABLES if os.environ.get(name)}
    config = None if given else _config_file(home or Home.default())
    return given if config is None else {CONFIG_VARIABLE: str(config)}


def _given_keys(home: Home) -> tuple[str, ...]:
    given = os.environ.get(_KEY)
    if given:
        return _split(given)
    command = os.environ.get(_COMMAND)
    if command:
        return _split(_output(command))
    config = _config_file(home)
    return () if config is None else _configured(config)


def _config_file(home: Home) -> Path | None:
    """Return Airflow's configuration file, unless it belongs to an Airflow home that we have made ourselves."""
    named = os.environ.get(CONFIG_VARIABLE) or os.environ.get("AIRFLOW_CONFIG")
    folder = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    file = Path(named).expanduser() if named else folder / "airflow.cfg"
    # Each of those has a key that Airflow made up when it was first started there.
    return None if file.is_relative_to(home.root) or not file.is_file() else file


def _configured(file: Path) -> tuple[str, ...]:
    # As Airflow reads it: a percent sign in a value means itself in keys, and doubled options are its own mistake.
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(file.read_text(encoding="utf-8"))
    except (OSError, configparser.Error, UnicodeError) as error:
        raise UserErrorException(
            f"file {str(file)!r}: cannot be read for its fernet_key ({error}); correct it"
        ) from error
    key, command = (parser.get("core", name, fallback="").strip() for name in ("fernet_key", "fernet_key_cmd"))
    # Airflow's default configuration has a placeholder where it puts the key that it makes up.
    if key and not key.startswith("{"):
        return _split(key)
    return _split(_output(command)) if command else ()


@functools.cache  # a process keeps the key that it began with, as Airflow does
def _output(command: str) -> str:
    try:
        done = subprocess.run(
            shlex.split(command), capture_output=True, text=True, check=True, timeout=_COMMAND_SECONDS
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        # Neither its output nor its arguments are repeated: they may hold the key.
        kind = type(error).__name__
        raise UserErrorException(f"the command that gives Airflow's fernet_key fails ({kind}); correct it") from error
    return done.stdout


def _split(text: str) -> tuple[str, ...]:
    return tuple(key.strip() for key in text.split(",") if key.strip())


def _file_key(file: Path) -> str:
    """Return the content of our key file, which is made whole or not at all."""
    try:
        return file.read_text(encoding="ascii")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unusable(file, error) from error
    from cryptography.fernet import Fernet  # for the first secret of a machine alone

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # Made readable by its owner alone.
        with tempfile.NamedTemporaryFile(prefix=f".{file.name}.", dir=file.parent) as fresh:
            fresh.write(Fernet.generate_key())
            fresh.flush()
            os.fsync(fresh.fileno())
            with suppress(FileExistsError):
                os.link(fresh.name, file)  # unlike a rename it leaves the key that another process has made by now
        return file.read_text(encoding="ascii")
    except OSError as error:
        raise _unusable(file, error) from error


def _unusable(file: Path, error: OSError) -> UserErrorException:
    return UserErrorException(
        f"key file {str(file)!r}: cannot be used ({error.strerror}); set AIRFLOW__CORE__FERNET_KEY, or make "
        "AIRFLOW_ML_HOME a folder that can be written"
    )
