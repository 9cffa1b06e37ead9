"""
The git state of a source directory, as run properties with v1's names.

What is recorded can be read by everybody who sees the run, so a remote's address loses user, password and query: that
is where access tokens stand.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

__all__ = ["git_properties", "without_credentials"]

_TIMEOUT_SECONDS = 20.0

#: Of v1: these win over what git says, and are recorded outside of a repository as well (a build without `.git`).
_OVERRIDES = ("repository_uri", "branch", "commit", "dirty", "build_id", "build_uri")

#: Set by git for its hooks; they would make us look at the repository of the hook instead of the directory's.
_OF_GIT_HOOKS = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")


def git_properties(directory: Path, *, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """
    Return branch, commit, remote and whether there are changes, for a directory in a git work tree.

    Nothing, and no error, outside of a work tree, without the git program, or if git does not answer in 20 s. Starts
    two processes, at the same time.

    Args:
        directory: the source directory; changes outside of it do not count.
        environment: of the caller; AZUREML_GIT_REPOSITORY_URI, _BRANCH, _COMMIT, _DIRTY, _BUILD_ID and _BUILD_URI in
            it take precedence.
    """
    state = _ask_git(directory, environment)
    for name in _OVERRIDES:
        if value := environment.get(f"AZUREML_GIT_{name.upper()}"):
            state[name] = value
    for name in ("repository_uri", "build_uri"):
        if name in state:
            state[name] = without_credentials(state[name])
    properties = {f"azureml.git.{name}": value for name, value in state.items()}
    for name, key in (("repository_uri", "repoURL"), ("branch", "branch"), ("commit", "commit")):
        if name in state:
            properties[f"mlflow.source.git.{key}"] = state[name]
    return properties


def _ask_git(directory: Path, environment: Mapping[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in environment.items() if name not in _OF_GIT_HOOKS}
    clean |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        with (
            _git(directory, clean, "status", "--porcelain=v2", "--branch", "--", ".") as status,
            _git(directory, clean, "ls-remote", "--get-url") as remote,
        ):
            answers = [_answer(process) for process in (status, remote)]
    except OSError:  # no git program, or no such directory
        return {}
    if answers[0] is None:
        return {}
    state = _parse_status(answers[0])
    uri = (answers[1] or "").strip()
    # Without a remote git answers with the name that it would have, "origin".
    return {"repository_uri": uri, **state} if "/" in uri or ":" in uri else state


def _git(directory: Path, environment: Mapping[str, str], *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["git", *arguments],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )


def _answer(process: subprocess.Popen[bytes]) -> str | None:
    try:
        output, _ = process.communicate(timeout=_TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return None
    return output.decode("utf-8", "replace") if process.returncode == 0 else None


def _parse_status(text: str) -> dict[str, str]:
    state = {"dirty": "False"}
    for line in text.splitlines():
        if not line.startswith("# "):
            state["dirty"] = "True"
            continue
        key, _, value = line.removeprefix("# ").partition(" ")
        if key == "branch.oid" and value != "(initial)":
            state["commit"] = value
        elif key == "branch.head" and value != "(detached)":
            state["branch"] = value
    return state


def without_credentials(address: str) -> str:
    """Return a remote's address without password, query and fragment; a user name stays only where ssh needs it."""
    parts = urlsplit(address)
    if not parts.scheme or not parts.netloc:
        return address
    user, _, host = parts.netloc.rpartition("@")
    keeps_user = "ssh" in parts.scheme and user
    host = f"{user.partition(':')[0]}@{host}" if keeps_user else host
    return urlunsplit((parts.scheme, host, parts.path, "", ""))
