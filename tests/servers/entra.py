"""A stand-in for Microsoft Entra ID: gives tokens that Azurite takes, over HTTPS with a certificate of its own."""

import base64
import json
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

__all__ = ["SECRET", "TENANT", "Entra", "make_certificate", "running_entra"]

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "99999999-8888-7777-6666-555555555555"
SECRET = "the secret of the service principal"


@dataclass
class Entra:
    """
    A running stand-in.

    Attributes:
        given: how many tokens it has given.
        lifetime: of the next token, in seconds.
    """

    port: int
    given: int = 0
    lifetime: int = 3600
    resources: set[str] = field(default_factory=set)

    @property
    def authority(self) -> str:
        """The address that tokens come from."""
        return f"https://127.0.0.1:{self.port}"


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of 127.0.0.1 and its key."""
    certificate, key = folder / "cert.pem", folder / "key.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([*make, *names], check=True, capture_output=True)
    return certificate, key


@contextmanager
def running_entra(certificate: Path, key: Path) -> Iterator[Entra]:
    """Start the stand-in, and end it with the block."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.entra = Entra(server.server_address[1])  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.entra  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path.endswith("/openid-configuration"):
            base = f"{self.server.entra.authority}/{TENANT}"
            endpoints = {f"{name}_endpoint": f"{base}/{name}" for name in ("token", "authorization")}
            self._answer(200, {**endpoints, "issuer": base})
            return
        # A managed identity, as App Service offers it.
        self._token(parse_qs(address.query)["resource"][0])

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
        if form["client_secret"] != [SECRET]:
            self._answer(401, {"error": "invalid_client", "error_description": "AADSTS7000215: Invalid client secret"})
            return
        self._token(form["scope"][0].split()[0].removesuffix("/.default"))

    def _token(self, resource: str) -> None:
        entra, now = self.server.entra, int(time.time())
        entra.given += 1
        entra.resources.add(resource)
        claims = {"aud": resource, "iss": f"https://sts.windows.net/{TENANT}/", "tid": TENANT, "oid": CLIENT}
        claims |= {"iat": now, "nbf": now - 60, "exp": now + entra.lifetime}
        parts = [{"alg": "RS256", "typ": "JWT"}, claims]
        signed = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
        told = {"expires_in": entra.lifetime, "expires_on": str(now + entra.lifetime), "token_type": "Bearer"}
        self._answer(200, {"access_token": ".".join([*signed, "c2lnbmVk"]), "resource": resource, **told})

    def _answer(self, status: int, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
