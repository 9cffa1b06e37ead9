"""
Which hosts of the web datasets may be read from.

An address in a dataset is followed by a worker, which stands inside a network that the dataset's author may not see:
so nothing is allowed until the workspace or the machine names hosts, and names that lead to addresses inside (loopback,
private, link-local, a cloud's metadata service) are refused unless just that name is allowed. What a name leads to is
asked once, and the connection goes to an address that was looked at, whatever the name server says later. Every
redirect is judged like the first address (`airflow_ml.storage.web_connections`).
"""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, cast

from airflow_ml.exceptions import UserErrorException
from airflow_ml.graph.model import Json

__all__ = ["HOSTS_VARIABLE", "WEB_DETAIL", "WebAccess", "settings_of"]

#: Hosts that every workspace on this machine may read from, separated by commas.
HOSTS_VARIABLE = "AIRFLOW_ML_WEB_HOSTS"

#: Where a workspace's settings are kept among its details.
WEB_DETAIL = "web"

#: What one file may have and take, where nothing else is said: larger than any table of v1's samples by far.
_MAX_BYTES = 64 << 30
_MAX_SECONDS = 3600.0

_HOST = re.compile(r"[A-Za-z0-9*._:-]+")

#: Public by their numbers alone: the one by which Azure talks to its machines ("What is IP address 168.63.129.16?"),
#: protocol assignments, with the metadata service of Oracle's cloud in them, and 6to4's relays.
_INSIDE = tuple(map(ipaddress.ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24")))

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class WebAccess:
    """
    What of the web may be read.

    Attributes:
        hosts: names in lower case; `*.example.org` takes every host below that domain, `*` every host with a public
            address. One that leads to an address inside must be named itself.
        max_bytes: of one file.
        max_seconds: from the request for a file to its last byte.
    """

    hosts: tuple[str, ...] = ()
    max_bytes: int = _MAX_BYTES
    max_seconds: float = _MAX_SECONDS

    @classmethod
    def of(cls, settings: Json) -> WebAccess:
        """Return what a workspace's settings (None for none) and the environment of this process allow together."""
        named = cls.named(settings)
        more = [host.strip().lower() for host in os.environ.get(HOSTS_VARIABLE, "").split(",") if host.strip()]
        return replace(named, hosts=tuple(dict.fromkeys([*named.hosts, *more])))

    @classmethod
    def named(cls, settings: Json) -> WebAccess:
        """Return what a workspace's settings alone allow."""
        known = cast("Mapping[str, Any]", settings) if isinstance(settings, Mapping) else {}
        return cls(
            tuple(known.get("hosts") or ()),
            known.get("max_bytes") or _MAX_BYTES,
            known.get("max_seconds") or _MAX_SECONDS,
        )

    def check_host(self, host: str, shown: str) -> None:
        """
        Refuse a host that is not allowed.

        Args:
            host: without a port.
            shown: the address as errors show it.

        Raises:
            UserErrorException: it is not allowed.
        """
        if not any(fnmatchcase(host.lower(), pattern) for pattern in self.hosts):
            raise UserErrorException(
                f"address {shown!r}: data of the web is off for host {host!r}; allow it by "
                f"Workspace.allow_web_hosts([{host!r}]), or for this machine by {HOSTS_VARIABLE}={host}"
            )

    def check_address(self, host: str, address: str) -> None:
        """Refuse an address inside, unless its host is allowed by just that name; raises UserErrorException."""
        if _is_inside(address.partition("%")[0]) and host.lower() not in self.hosts:
            raise UserErrorException(
                f"host {host!r}: leads to {address}, an address inside this network; a host like that must be allowed "
                f"by its own name: Workspace.allow_web_hosts([{host!r}])"
            )

    def connect(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """
        Connect to a host at an address that was looked at.

        Raises:
            UserErrorException: the host is not allowed, or one of its addresses.
            OSError: none answers.
        """
        # Once more, because the text of an address can be taken apart in another way.
        name = host.rpartition("@")[2]
        self.check_host(name, name)
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, place in found:
            self.check_address(host, str(place[0]))
        problem: OSError | None = None
        for family, kind, protocol, _, place in found:
            connection = socket.socket(family, kind, protocol)
            try:
                connection.settimeout(timeout)
                connection.connect(place)
            except OSError as error:
                connection.close()
                problem = error
            else:
                return connection
        raise problem or OSError(f"host {host!r} has no address")


def _is_inside(address: str) -> bool:
    """Tell whether an address is none that is reached across the internet, written in whatever form."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        found = found.ipv4_mapped or found.sixtofour or _translated(found) or found
    if found.is_multicast or found.is_reserved or not found.is_global or getattr(found, "is_site_local", False):
        return True
    return any(found in network for network in _INSIDE)


def _translated(found: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that a network without IPv4 reaches by this one (RFC 6052)."""
    return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF) if found in _NAT64 else None


def settings_of(hosts: Sequence[str], *, max_bytes: int | None, max_seconds: float | None) -> dict[str, Json]:
    """Return the settings of a workspace as they are kept; raises UserErrorException for what cannot be allowed."""
    if isinstance(hosts, str) or not all(isinstance(host, str) and _HOST.fullmatch(host) for host in hosts):
        raise UserErrorException(
            f"web hosts {hosts!r}: expected a list of names like 'data.example.org' or '*.example.org', without scheme"
            " and port"
        )
    for name, limit in (("max_bytes", max_bytes), ("max_seconds", max_seconds)):
        if limit is not None and not (isinstance(limit, (int, float)) and limit > 0):
            raise UserErrorException(f"web hosts: {name} is {limit!r}, expected a number above 0")
    return {"hosts": [host.lower() for host in hosts], "max_bytes": max_bytes, "max_seconds": max_seconds}
