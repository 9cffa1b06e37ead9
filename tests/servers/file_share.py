"""
A stand-in for Azure Files: the part of its REST interface that stores of file shares use, over a local folder.

No emulator of the service exists. This one is written after Microsoft's reference of the operations and is talked to by
Microsoft's own client; signatures are not computed, only compared with the keys and tokens that a test allows.
"""

import itertools
import json
import os
import shutil
import threading
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

ACCOUNT = "devstoreaccount1"
KEY = "a2V5IG9mIHRoZSBzdGFuZC1pbg=="


class ShareServer:
    """
    What the stand-in keeps.

    Attributes:
        root: folder of the shares.
        allowed: tokens (the value of `sig`) that open everything; requests signed with a key always do.
        failures: (status, code) pairs that the next requests are answered with.
        requests: method and path of every request.
    """

    def __init__(self, root):
        """Keep shares in a folder."""
        self.root = Path(root)
        self.allowed, self.failures, self.requests = {"good"}, [], []
        self.lock, self.etags = threading.Lock(), itertools.count(1)
        self.url = ""

    def state_of(self, place):
        """Return what is kept beside a file: its ETag, MD5 and the ranges that were written."""
        kept = self._beside(place)
        return json.loads(kept.read_text()) if kept.exists() else {"etag": 1, "md5": "", "ranges": []}

    def keep(self, place, **changes):
        """Change what is kept beside a file, and give it another ETag."""
        state = {**self.state_of(place), **changes}
        state["etag"] = next(self.etags)
        kept = self._beside(place)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(state))

    def _beside(self, place):
        relative = place.relative_to(self.root)
        return self.root.parent / "beside" / relative.parent / f"{relative.name}.json"

    def moved(self, source, target):
        """Take what is kept beside a file to its new place."""
        state = self.state_of(source)
        self._beside(source).unlink(missing_ok=True)
        self.keep(target, **state)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or an answer's body waits 40 ms for its head to be acknowledged
    server_state: ShareServer

    def log_message(self, *_):
        """Say nothing."""

    def _answer(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        for name, value in {"x-ms-version": "2025-11-05", "Last-Modified": formatdate(usegmt=True), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _fail(self, status, code):
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
        self._answer(status, body, x_ms_error_code=code, Content_Type="application/xml")

    def _handle(self):
        state = self.server_state
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # the client is gone, and the service takes no half range
            self.close_connection = True
            return None
        address = urlsplit(self.path)
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        parts = [part for part in unquote(address.path).split("/") if part][1:]
        state.requests.append((self.command, "/".join(parts), query.get("comp", "")))
        if state.failures:
            return self._fail(*state.failures.pop(0))
        if "Authorization" not in self.headers and query.get("sig") not in state.allowed:
            return self._fail(403, "AuthenticationFailed")
        with state.lock:
            if query.get("restype") == "share":
                return self._share(state.root / parts[0])
            if not (state.root / parts[0]).is_dir():
                return self._fail(404, "ShareNotFound")
            place = state.root.joinpath(*parts)
            if query.get("restype") == "directory":
                return self._directory(place, query)
            return self._file(place, query, body)

    do_GET = do_PUT = do_HEAD = do_DELETE = _handle  # noqa: N815 - the base class's names

    def _share(self, place):
        if place.is_dir():
            return self._fail(409, "ShareAlreadyExists") if self.command == "PUT" else self._answer(200)
        if self.command != "PUT":
            return self._fail(404, "ShareNotFound")
        place.mkdir(parents=True)
        return self._answer(201)

    def _directory(self, place, query):
        if self.command == "PUT":
            if place.exists():
                return self._fail(409, "ResourceAlreadyExists")
            if not place.parent.is_dir():
                return self._fail(404, "ParentNotFound")
            place.mkdir()
            return self._answer(201, **_times())
        if not place.is_dir():
            return self._fail(404, "ResourceNotFound")
        if self.command == "DELETE":
            if any(place.iterdir()):
                return self._fail(409, "DirectoryNotEmpty")
            place.rmdir()
            return self._answer(202)
        return self._listing(place, query) if query.get("comp") == "list" else self._answer(200, **_times())

    def _listing(self, place, query):
        """Answer in pages of two, so that every listing of more goes on."""
        names = sorted(entry.name for entry in place.iterdir())
        start = int(query.get("marker") or 0)
        entries = "".join(self._entry(place / name) for name in names[start : start + 2])
        more = str(start + 2) if start + 2 < len(names) else ""
        text = f"<?xml version='1.0' encoding='utf-8'?><EnumerationResults><Entries>{entries}</Entries>"
        text += f"<NextMarker>{more}</NextMarker></EnumerationResults>"
        return self._answer(200, text.encode(), Content_Type="application/xml")

    def _entry(self, place):
        name = escape(place.name)
        if place.is_dir():
            return f"<Directory><Name>{name}</Name><Properties/></Directory>"
        size, etag = place.stat().st_size, self.server_state.state_of(place)["etag"]
        changed = formatdate(place.stat().st_mtime, usegmt=True)
        properties = f"<Content-Length>{size}</Content-Length><Etag>&quot;0x{etag}&quot;</Etag>"
        properties += f"<Last-Modified>{changed}</Last-Modified>"
        return f"<File><Name>{name}</Name><Properties>{properties}</Properties></File>"

    def _file(self, place, query, body):
        if query.get("comp") == "rename":
            return self._rename(place)
        if self.command == "PUT" and self.headers.get("x-ms-type") == "file":
            if not place.parent.is_dir():
                return self._fail(404, "ParentNotFound")
            place.write_bytes(b"")
            os.truncate(place, int(self.headers["x-ms-content-length"]))
            self.server_state.keep(place, md5=self.headers.get("x-ms-content-md5") or "", ranges=[])
            return self._answer(201, **self._properties(place))
        if place.is_dir():
            return self._fail(409, "ResourceTypeMismatch")
        if not place.is_file():
            return self._fail(404, "ResourceNotFound")
        if self.command == "PUT":
            return self._change(place, query, body)
        if self.command == "DELETE":
            place.unlink()
            return self._answer(202)
        if query.get("comp") == "rangelist":
            found = self.server_state.state_of(place)["ranges"]
            text = "".join(f"<Range><Start>{start}</Start><End>{end}</End></Range>" for start, end in found)
            return self._answer(
                200, f"<?xml version='1.0'?><Ranges>{text}</Ranges>".encode(), Content_Type="application/xml"
            )
        return self._content(place)

    def _rename(self, place):
        source = urlsplit(self.headers["x-ms-file-rename-source"]).path
        source = self.server_state.root.joinpath(*[part for part in unquote(source).split("/") if part][1:])
        if not source.is_file():
            return self._fail(404, "ResourceNotFound")
        if not place.parent.is_dir():
            return self._fail(404, "ParentNotFound")
        if place.exists() and self.headers.get("x-ms-file-rename-replace-if-exists") != "true":
            return self._fail(409, "ResourceAlreadyExists")
        shutil.move(source, place)
        self.server_state.moved(source, place)
        return self._answer(200, **self._properties(place))

    def _change(self, place, query, body):
        if query.get("comp") == "range":
            start, end = (int(part) for part in self.headers["x-ms-range"][6:].split("-"))
            with place.open("r+b") as file:
                file.seek(start)
                file.write(body)
            ranges = sorted([*self.server_state.state_of(place)["ranges"], [start, end]])
            self.server_state.keep(place, ranges=_merged(ranges))
            return self._answer(201, **self._properties(place))
        if self.headers.get("x-ms-content-length"):
            os.truncate(place, int(self.headers["x-ms-content-length"]))
        md5 = self.headers.get("x-ms-content-md5")
        self.server_state.keep(place, **({"md5": md5} if md5 else {}))
        return self._answer(200, **self._properties(place))

    def _content(self, place):
        size, headers = place.stat().st_size, self._properties(place)
        if self.command == "HEAD":
            return self._answer(200, length=size, **headers)
        asked = self.headers.get("x-ms-range") or self.headers.get("Range")
        if not asked:
            return self._answer(200, place.read_bytes(), **headers)
        start, end = asked[6:].split("-")
        first, last = int(start), min(int(end or size - 1), size - 1)
        if first >= size:
            return self._fail(416, "InvalidRange")
        with place.open("rb") as file:
            file.seek(first)
            content = file.read(last - first + 1)
        return self._answer(206, content, Content_Range=f"bytes {first}-{last}/{size}", **headers)

    def _properties(self, place):
        state = self.server_state.state_of(place)
        more = {"Content_MD5": state["md5"]} if state["md5"] else {}
        return {"ETag": f'"0x{state["etag"]}"', "x-ms-type": "File", **_times(), **more}


def _times():
    moment = "2026-01-01T00:00:00.0000000Z"
    names = ("creation", "last-write", "change")
    fixed = {"x-ms-file-attributes": "Archive", "x-ms-file-permission-key": "0", "x-ms-file-id": "1"}
    return {**{f"x-ms-file-{name}-time": moment for name in names}, **fixed, "x-ms-file-parent-id": "0"}


def _merged(ranges):
    merged = []
    for start, end in ranges:
        if merged and start <= merged[-1][1] + 1:
            merged[-1][1] = max(end, merged[-1][1])
        else:
            merged.append([start, end])
    return merged


@contextmanager
def running_share_server(root):
    """Serve shares that are kept in a folder."""
    state = ShareServer(root)
    handler = type("Handler", (_Handler,), {"server_state": state})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        state.url = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()
