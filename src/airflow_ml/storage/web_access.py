"""
Which hosts of the web datasets may be read from, and connections that go nowhere else.

An address in a dataset is followed by a worker, which stands inside a network that the dataset's author may not see:
so nothing is allowed until the workspace or the machine names hosts, and names that lead to addresses inside (loopback,
private, link-local, a cloud's metadata service) are refused unless just that name is allowed. What a name leads to is
asked once, and the connection goes to an address that was looked at, whatever the name server says later. Every
redirect is judged like the first address.
"""

from __future__ import annotations

import http.client
import ipaddress
import os
import re
import socket
import ssl
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from email.message import Message
from fnmatch import fnmatchcase
from typing import IO, Any, cast
from urllib.parse import urlsplit

from airflow_ml.exceptions import NotSupportedError, UserErrorException
from airflow_ml.graph.model import Json

__all__ = ["HOSTS_VARIABLE", "WEB_DETAIL", "WebAccess", "build_opener", "settings_of"]

#: Hosts that every workspace on this machine may read from, separated by commas.
HOSTS_VARIABLE = "AIRFLOW_ML_WEB_HOSTS"

#: Where a workspace's settings are kept among its details.
WEB_DETAIL = "web"

#: What one file may have and take, where nothing else is said: larger than any table of v1's samples by far.
_MAX_BYTES = 64 << 30
_MAX_SECONDS = 3600.0

_HOST = re.compile(r"[A-Za-z0-9*._:-]+")

_SCHEMES = ("http", "https")

_PORTS = {"http": 80, "https": 443}


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
        found = ipaddress.ip_address(address.partition("%")[0])
        found = getattr(found, "ipv4_mapped", None) or found
        if (found.is_multicast or not found.is_global) and host.lower() not in self.hosts:
            raise UserErrorException(
                f"host {host!r}: leads to {address}, an address inside this network; a host like that must be allowed "
                f"by its own name: Workspace.allow_web_hosts([{host!r}])"
            )

    def connect(self, host: str, port: int, timeout: float | None) -> socket.socket:
        """Connect to a host at an address that was looked at; raises OSError if none answers."""
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


def build_opener(access: WebAccess) -> urllib.request.OpenerDirector:
    """
    Return what opens web addresses under these rules.

    Proxies of the environment are used, as everywhere in Python. Then the proxy looks names up and connects; hosts are
    judged by their names, and by their addresses where this machine can tell them.
    """
    return urllib.request.build_opener(_Redirects(access), _Http(access), _Https(access))


class _Redirects(urllib.request.HTTPRedirectHandler):
    def __init__(self, access: WebAccess) -> None:
        self._access = access

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        parts = urlsplit(newurl)
        shown = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        if parts.scheme not in _SCHEMES or not parts.hostname:
            raise NotSupportedError(f"redirects to {shown!r}, which is not in the web")
        self._access.check_host(parts.hostname, shown)
        return super().redirect_request(req, fp, code, msg, cast(http.client.HTTPMessage, headers), newurl)


class _Connection(http.client.HTTPConnection):
    access: WebAccess
    is_proxy: bool

    def connect(self) -> None:
        self.sock = _connected(self)


class _SecureConnection(http.client.HTTPSConnection):
    access: WebAccess
    is_proxy: bool

    def connect(self) -> None:
        plain = _connected(self)
        tunnel = cast("str | None", getattr(self, "_tunnel_host", None))
        self.sock = plain
        if tunnel:
            cast(Any, self)._tunnel()
        context = ssl.create_default_context()
        self.sock = context.wrap_socket(plain, server_hostname=tunnel or self.host)


def _connected(connection: _Connection | _SecureConnection) -> socket.socket:
    if connection.is_proxy:
        return socket.create_connection((connection.host, connection.port), connection.timeout)
    return connection.access.connect(connection.host, connection.port, connection.timeout)


class _Http(urllib.request.HTTPHandler):
    def __init__(self, access: WebAccess) -> None:
        super().__init__()
        self._access = access

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_maker(_Connection, self._access, req), req)


class _Https(urllib.request.HTTPSHandler):
    def __init__(self, access: WebAccess) -> None:
        super().__init__()
        self._access = access

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_maker(_SecureConnection, self._access, req), req)


def _maker(kind: type[_Connection] | type[_SecureConnection], access: WebAccess, req: urllib.request.Request) -> Any:
    is_proxy = req.has_proxy() or getattr(req, "_tunnel_host", None) is not None
    if is_proxy:
        _check_behind_proxy(access, req.full_url)

    def make(host: str, **options: Any) -> http.client.HTTPConnection:
        made = kind(host, **options)
        made.access, made.is_proxy = access, is_proxy
        return made

    return make


def _check_behind_proxy(access: WebAccess, url: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        found = socket.getaddrinfo(host, parts.port or _PORTS[parts.scheme], type=socket.SOCK_STREAM)
    except OSError:  # behind a proxy names of outside are often unknown here
        return
    for *_, place in found:
        access.check_address(host, str(place[0]))
