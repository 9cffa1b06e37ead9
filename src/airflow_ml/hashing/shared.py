"""The stat cache of each home, one per process."""

from __future__ import annotations

from pathlib import Path

from airflow_ml.hashing.stat_cache import StatCache
from airflow_ml.registry.home import Home

__all__ = ["stat_cache"]

_caches: dict[Path, StatCache] = {}


def stat_cache(home: Home) -> StatCache:
    """Return the cache of a home's digests; do not close it, but save it when files were looked at one by one."""
    return _caches.setdefault(home.digests, StatCache(home.digests))
