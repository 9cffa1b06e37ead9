import json
import os
import signal
import socket
import subprocess
import sys
import threading

import pytest

from airflow_ml.exceptions import DatasetNotFoundError, ServiceException
from airflow_ml.runtime.channel import Channel, with_short_path
from airflow_ml.runtime.channel_server import ChannelServer
from airflow_ml.runtime.protocol import ProtocolError


@pytest.fixture
def path(tmp_path):
    """Where the socket is made."""
    return str(tmp_path / "channel.sock")


def raising(exc):
    """Return a handler that raises."""

    def handler(params):
        raise exc

    return handler


def raw(path):
    """Connect without the channel's manners."""
    connection = socket.socket(socket.AF_UNIX)
    with_short_path(path, connection.connect)
    return connection


def test_round_trip(path):
    """A request's params reach the handler, its result comes back, and params may be large."""
    with ChannelServer(path, {"echo": lambda params: params}):
        text = "ż" * 300_000

        assert Channel(path).request("echo", {"text": text, "none": None}) == {"text": text, "none": None}


@pytest.mark.parametrize("length", [60, 180])
def test_long_paths(tmp_path, length):
    """A socket works below any folder, whatever the kernel's limit for its path."""
    folder = tmp_path / ("f" * length)
    folder.mkdir()
    path = str(folder / "channel.sock")

    with ChannelServer(path, {"ping": lambda params: "pong"}):
        assert Channel(path).request("ping", {}) == "pong"
    assert not os.path.lexists(path)


def test_errors_keep_their_class(path):
    """An error of ours is raised as the class that the operator raised, another one as ServiceException."""
    handlers = {"a": raising(DatasetNotFoundError("dataset 'x': gone")), "b": raising(KeyError("id"))}
    with ChannelServer(path, handlers):
        channel = Channel(path)

        with pytest.raises(DatasetNotFoundError, match=r"^dataset 'x': gone$"):
            channel.request("a", {})
        with pytest.raises(ServiceException, match="KeyError: 'id'"):
            channel.request("b", {})


def test_unknown_method(path):
    """An unknown method is a protocol error that names the versions of both sides."""
    with ChannelServer(path, {}), pytest.raises(ProtocolError, match=r"'fly' .* protocol 1; .* speaks protocol 1"):
        Channel(path).request("fly", {})


def test_answer_that_is_not_json(path):
    """A handler's result that JSON cannot say is the answer's error, not the server's end."""
    with ChannelServer(path, {"set": lambda params: {1}, "ok": lambda params: 1}):
        channel = Channel(path)

        with pytest.raises(ServiceException, match="TypeError"):
            channel.request("set", {})
        assert channel.request("ok", {}) == 1


def test_threads_share_a_channel(path):
    """Each of many threads gets the answer to its own request."""
    with ChannelServer(path, {"echo": lambda params: params["n"]}):
        channel, answers = Channel(path), {}
        threads = [
            threading.Thread(target=lambda n=n: answers.update({n: channel.request("echo", {"n": n})}))
            for n in range(30)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert answers == {n: n for n in range(30)}


def test_fork_gets_its_own_connection(path):
    """A forked child and its parent never read each other's answers."""
    with ChannelServer(path, {"echo": lambda params: params["n"]}):
        script = f"""
import os
from airflow_ml.runtime.channel import Channel
channel = Channel({path!r})
channel.request("echo", {{"n": 0}})
pid = os.fork()
assert [channel.request("echo", {{"n": [pid, n]}}) for n in range(100)] == [[pid, n] for n in range(100)]
if pid:
    assert os.wait()[1] == 0
"""
        subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("garbage", [b"nonsense\n", b"\xff\x00\n", b"[]\n", b'{"id": 1}\n', b'{"method": {}}\n'])
def test_garbage(path, garbage):
    """Garbage is answered by an error and ends that connection; others go on."""
    with ChannelServer(path, {"ping": lambda params: "pong"}):
        channel = Channel(path)
        channel.request("ping", {})
        connection = raw(path)
        connection.sendall(garbage)
        answer = connection.makefile("rb").read()

        assert json.loads(answer)["error"]["type"] == "ProtocolError"
        assert channel.request("ping", {}) == "pong"


def test_half_a_request(path):
    """A client that hangs up in the middle of a request is forgotten."""
    with ChannelServer(path, {"ping": lambda params: "pong"}) as server:
        connection = raw(path)
        connection.sendall(b'{"id": 1, "meth')
        connection.close()

        assert Channel(path).request("ping", {}) == "pong"
    assert server._open == {}


def test_killed_client(path):
    """A client that is killed while it waits leaves a server that answers others."""
    working, go_on = threading.Event(), threading.Event()

    def slow(params):
        working.set()
        go_on.wait(10)
        return "x" * 1_000_000

    with ChannelServer(path, {"slow": slow, "ping": lambda params: "pong"}):
        script = f"from airflow_ml.runtime.channel import Channel; Channel({path!r}).request('slow', {{}})"
        client = subprocess.Popen([sys.executable, "-c", script])
        working.wait(10)
        client.send_signal(signal.SIGKILL)
        client.wait()
        go_on.set()

        assert Channel(path).request("ping", {}) == "pong"


def test_restarted_operator(path):
    """A channel finds the operator again that was restarted between two requests."""
    channel = Channel(path)
    with ChannelServer(path, {"who": lambda params: 1}):
        assert channel.request("who", {}) == 1

    with ChannelServer(path, {"who": lambda params: 2}):
        assert channel.request("who", {}) == 2


def test_nobody_listens(path):
    """Without an operator a request is an error that names the method, after some patience."""
    with pytest.raises(ServiceException, match=r"dataset.get: the step's operator did not answer"):
        Channel(path, patience=0.2).request("dataset.get", {})


def test_operator_goes_away(path):
    """A request whose operator goes away is an error at once, and the next request tries again."""
    working, go_on = threading.Event(), threading.Event()
    server = ChannelServer(path, {"slow": lambda params: (working.set(), go_on.wait(10))})
    server.start()
    threading.Thread(target=lambda: (working.wait(10), close_soon(server, go_on))).start()

    with pytest.raises(ServiceException, match="slow: the step's operator did not answer"):
        Channel(path).request("slow", {})


def close_soon(server, go_on):
    """Close a server whose handler is still at work for a moment."""
    threading.Timer(0.1, go_on.set).start()
    server.close()


def test_stale_socket_is_replaced(path):
    """A socket that a killed operator has left is replaced."""
    socket.socket(socket.AF_UNIX).bind(path)

    with ChannelServer(path, {"ping": lambda params: "pong"}):
        assert Channel(path).request("ping", {}) == "pong"


def test_old_server_leaves_the_new_socket(path):
    """A server that is closed late does not remove its successor's socket."""
    old = ChannelServer(path, {})
    old.start()
    with ChannelServer(path, {"ping": lambda params: "pong"}):
        old.close()

        assert Channel(path).request("ping", {}) == "pong"
