"""Which file a web address names, without what lets it be read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlsplit

from airflow_ml.storage.web import shown

if TYPE_CHECKING:
    from airflow_ml.graph import Json

__all__ = ["stable_address", "stable_sources"]

#: Parameters of Azure's shared access signatures, which the parameter `sig` gives away.
_NAMES = "saoid scid sdd se ses si sig sip sks skoid skt sktid ske skv sp spr sr srt ss st suoid sv"
_SHARED_ACCESS = frozenset(_NAMES.split())
#: Those of addresses that Amazon and Google sign.
_SIGNING = re.compile(r"x-(amz|goog)-|(awsaccesskeyid|googleaccessid)$", re.IGNORECASE)


def stable_address(url: str) -> str:
    """
    Return an address without user, password, signature and time of expiry: the same when these are renewed.

    The other parameters can tell files apart, and can hold secrets of any name, so a digest stands for them.
    """
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    is_shared = any(name.lower() == "sig" for name, _ in query)
    kept = [
        (name, value)
        for name, value in query
        if not (is_shared and name.lower() in _SHARED_ACCESS) and not _SIGNING.match(name)
    ]
    if not kept:
        return shown(url)
    return f"{shown(url)}?{hashlib.sha256(repr(kept).encode('utf-8', 'backslashreplace')).hexdigest()[:16]}"


def stable_sources(sources: Json) -> list[Json]:
    """Return the sources of a dataset's definition with stable addresses."""
    return [
        {**source, "url": stable_address(str(source["url"]))} if "url" in source else dict(source)
        for source in cast("Sequence[Mapping[str, Json]]", sources)
    ]
