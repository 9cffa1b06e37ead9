"""Installing the packages of a definition by uv, or by pip where there is no uv."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from airflow_ml.compute.masking import mask_credentials
from airflow_ml.exceptions import RunEnvironmentException, ServiceException

if TYPE_CHECKING:
    from airflow_ml.compute.installing import Installation
    from airflow_ml.compute.request import Outcome
    from airflow_ml.compute.requirements import Requirements

__all__ = ["check_outcome", "may_pass", "option_words", "pip_command", "uv_command", "write_requirements"]

_LAST_LINES = 15
#: What uv, pip and the libraries below them say of an index that did not answer as it should have, or of a full disk.
_PASSING = re.compile(
    r"error sending request|connection (refused|reset|aborted|broken)|connect timeout|timed? ?out|dns error"
    r"|name resolution|network is unreachable|server error \(5\d\d|max retries exceeded"
    r"|\b50[234] (bad|service|gateway)|no space left on device|disk quota exceeded",
    re.IGNORECASE,
)
#: Options that uv takes on its command line only. They hold no credentials; those with a URL go into the file, where
#: other users of the machine cannot read them.
_COMMAND_LINE_OPTIONS = ("--pre", "--trusted-host", "--no-deps", "--no-build-isolation")


def uv_command(
    uv: Sequence[str], requirements: Requirements, file: Path, settings: dict[str, str], *more: str
) -> list[str]:
    """
    Return the command that installs the requirements.

    Args:
        file: what `write_requirements` wrote.
        settings: pip's settings of the worker.
        more: where to install, and for what.
    """
    command = [*uv, "pip", "install", *more, *option_words(requirements), "--requirement", str(file)]
    if any("extra-index-url" in line for line in requirements.pip_options):
        command += ["--index-strategy", "unsafe-best-match"]  # what pip does, and what v1 did therefore
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on"):  # uv has no variable for it
        command.append("--no-index")
    return command


def pip_command(python: str, requirements: Requirements, file: Path, *more: str) -> list[str]:
    """Return the command that does the same with pip."""
    return [python, "-m", "pip", "install", *more, *option_words(requirements), "--requirement", str(file)]


def option_words(requirements: Requirements) -> list[str]:
    """Return the options that stand on the command line."""
    return [word for line in requirements.pip_options if _is_for_command_line(line) for word in line.split()]


def write_requirements(folder: Path, requirements: Requirements) -> Path:
    """Write packages and the other options to a file that nobody else can read, and return it."""
    file = folder / "requirements.txt"
    lines = [line for line in requirements.pip_options if not _is_for_command_line(line)]
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:  # noqa: PTH123
        stream.write("\n".join([*lines, *requirements.packages]) + "\n")
    return file


def check_outcome(outcome: Outcome, installation: Installation, requirements: Requirements, *, where: str) -> None:
    """
    Raise unless the installer succeeded.

    Raises:
        RunEnvironmentException: with the packages and the installer's last lines.
        ServiceException: the same, where the index did not answer or the disk was full; trying again can help.
    """
    if outcome.succeeded:
        return
    last = "\n".join(installation.text.strip().splitlines()[-_LAST_LINES:])
    packages = mask_credentials(", ".join(requirements.packages))
    text = f"{where}: installing {packages} failed ({outcome}); correct the packages or the index:\n{last}"
    raise ServiceException(text) if may_pass(installation.text) else RunEnvironmentException(text)


def may_pass(text: str) -> bool:
    """Whether an installer says what trying again can help with: an index that did not answer, a full disk."""
    return _PASSING.search(text) is not None


def _is_for_command_line(option: str) -> bool:
    return option.split()[0].partition("=")[0] in _COMMAND_LINE_OPTIONS
