"""
Where packages come from: pip's configuration of the worker, in words that uv has too.

pip reads its own files and variables. uv reads neither pip's files nor its variables, so what stands there is handed to
uv as variables of its process, which are never written down; what was set for uv itself comes first. `.netrc` and
keyrings are read by both.
"""

from __future__ import annotations

import configparser
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from airflow_ml.compute.request import inherited_environment

__all__ = ["installer_environment", "pip_settings"]

#: pip's setting -> uv's variable, the sign between several values, and other variables that say the same to uv.
_UV_VARIABLES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "index-url": ("UV_DEFAULT_INDEX", "", ("UV_INDEX_URL",)),
    "extra-index-url": ("UV_INDEX", " ", ("UV_EXTRA_INDEX_URL",)),
    "find-links": ("UV_FIND_LINKS", ",", ()),
    "trusted-host": ("UV_INSECURE_HOST", " ", ()),
    "constraint": ("UV_CONSTRAINT", " ", ()),
    "keyring-provider": ("UV_KEYRING_PROVIDER", "", ()),
    "cert": ("SSL_CERT_FILE", "", ()),
    "client-cert": ("SSL_CLIENT_CERT", "", ()),
    "proxy": ("ALL_PROXY", "", ("HTTPS_PROXY", "https_proxy", "all_proxy")),
    "timeout": ("UV_HTTP_TIMEOUT", "", ()),
    "default-timeout": ("UV_HTTP_TIMEOUT", "", ()),
    "retries": ("UV_HTTP_RETRIES", "", ()),
}
#: What a build must not see of the worker: its own packages.
_DROPPED = ("PYTHONPATH", "CONDA_PREFIX", "UV_PROJECT_ENVIRONMENT", "UV_SYSTEM_PYTHON", "PIP_TARGET", "PIP_USER")


def installer_environment(root: Path, *, base: Mapping[str, str] | None = None) -> dict[str, str]:
    """
    Return the environment of an installer: the worker's, with pip's settings in uv's words.

    Args:
        root: the folder of environments; uv's cache lies in it, so that files can be linked instead of copied.
        base: the worker's environment; this process's if not given.
    """
    environment = {name: value for name, value in inherited_environment(base).items() if name not in _DROPPED}
    settings = pip_settings(environment)
    for setting, (variable, sign, others) in _UV_VARIABLES.items():
        values = [value for value in settings.get(setting, "").split() if not _is_missing_folder(setting, value)]
        if values and not any(environment.get(name) for name in (variable, *others)):
            environment[variable] = (sign or " ").join(values)
    if settings.get("pre", "").lower() in ("1", "true", "yes", "on"):
        environment.setdefault("UV_PRERELEASE", "allow")
    if "UV_INDEX" in environment:
        # pip takes the best version of all indexes, and so did v1; uv's own rule is the first index that has any.
        environment.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")
    environment.setdefault("UV_CACHE_DIR", str(root / ".cache"))
    environment.setdefault("UV_PYTHON_INSTALL_DIR", str(root / ".pythons"))
    environment["UV_NO_PROGRESS"] = "1"
    return environment


def pip_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what pip's files and variables say of installing, by pip's names of options."""
    settings: dict[str, str] = {}
    for file in _pip_files(environment):
        parser = configparser.RawConfigParser()
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):  # pip says so itself when it is used
            continue
        for section in ("global", "install"):
            if parser.has_section(section):
                settings.update({name.replace("_", "-"): value for name, value in parser.items(section)})
    for name, value in environment.items():
        if name.startswith("PIP_") and value:
            settings[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return settings


def _pip_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield pip's configuration files, the one that wins last (pip's "Configuration" page)."""
    named = environment.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return
    home = Path(environment.get("HOME") or Path.home())
    for folder in reversed((environment.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)):
        yield Path(folder, "pip", "pip.conf")
    yield Path("/etc/pip.conf")
    if not (named and Path(named).exists()):
        yield home / ".pip" / "pip.conf"
        yield Path(environment.get("XDG_CONFIG_HOME") or home / ".config", "pip", "pip.conf")
    yield Path(sys.prefix, "pip.conf")
    if named:
        yield Path(named)


def _is_missing_folder(setting: str, value: str) -> bool:
    """Whether it is a folder of packages that is not there, which pip passes over and uv does not."""
    if setting not in ("find-links", "constraint") or re.match(r"https?:", value):
        return False
    return not Path(unquote(urlsplit(value).path) if value.startswith("file:") else value).expanduser().exists()
