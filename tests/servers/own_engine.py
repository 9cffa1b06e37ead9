"""
A Docker engine of a test's own, beside the machine's: to be killed, restarted, and filled to the last byte.

Its images and containers lie in memory, and it sees no network of the machine, so that it takes nothing from the
other one: neither the bridge nor its rules. Containers ask for the bridge all the same and get none.
"""

import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import docker
from servers.absent import skip_without
from servers.docker_engine import BASE_IMAGE, DockerForTests

__all__ = ["OwnEngine", "running_own_engine"]

#: The base image takes a quarter of a gigabyte.
_SIZE = "700m"
_SECONDS = 120
_PROGRAMS = ("containerd", "dockerd", "unshare")
#: Where the engine's programs are, also for a user whose PATH is not root's.
_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])


@dataclass
class OwnEngine:
    """
    An engine that can be killed and started again; what runs its containers is a process of its own and stays.

    Attributes:
        folder: holds `data`, a small disk, and all else that the engine has.
        options: that it was started with.
    """

    folder: Path
    options: tuple[str, ...] = ()
    _containerd: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        """As DOCKER_HOST has it."""
        return f"unix://{self.folder}/docker.sock"

    def connected(self) -> AbstractContextManager[docker.DockerClient]:
        """Give a client of the SDK."""
        return closing(docker.DockerClient(self.address, timeout=_SECONDS))

    def start(self, *options: str) -> None:
        """Start it and wait until it answers."""
        folder, self.options = self.folder, options
        if self._containerd is None:
            (folder / "containerd.toml").write_text('disabled_plugins = ["io.containerd.grpc.v1.cri"]\n')
            places = ["--root", folder / "data" / "containerd", "--state", folder / "state"]
            self._containerd = self._started(
                ["containerd", "--config", folder / "containerd.toml", *places, "--address", folder / "containerd.sock"]
            )
            self._wait_until((folder / "containerd.sock").exists, self._containerd)
        (folder / "pid").unlink(missing_ok=True)  # the number may be another process's by now
        places = ["--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid"]
        addresses = ["--host", self.address, "--containerd", folder / "containerd.sock"]
        network = ["--bridge=none", "--iptables=false", "--ip-forward=false"]
        # In a network of its own, because an engine without a bridge takes away the one that it finds.
        self._process = self._started(
            ["unshare", "--net", "dockerd", *places, *addresses, *network, "--storage-driver=overlay2", *options]
        )
        self._wait_until(self._answers, self._process)

    def kill(self) -> None:
        """End it as the kernel does when memory is short; its containers run on."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it as a service manager does: containers are asked to end, unless they may live on."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(_SECONDS)

    def close(self) -> None:
        """Remove its containers, end all of it and take its disk away."""
        try:
            if self._process is None or self._process.poll() is not None:
                self.start()
            with self.connected() as client:
                for container in client.containers.list(all=True):
                    container.remove(force=True)
            self.stop()
        finally:
            for process in (self._process, self._containerd):
                if process is not None:
                    process.kill()
                    process.wait()
            subprocess.run(["umount", "-l", str(self.folder / "data")], check=True)
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def full_disk(self, *, free: int = 0) -> Iterator[None]:
        """Leave so many bytes free on the engine's disk."""
        filler = self.folder / "data" / "filler"
        status = os.statvfs(self.folder / "data")
        with filler.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, status.f_bavail * status.f_frsize - free))
        try:
            yield
        finally:
            filler.unlink()

    def _started(self, command: list[str | Path]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": _PATH},
                start_new_session=True,
            )

    def _wait_until(self, is_there: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _SECONDS
        while not is_there():
            assert process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the engine does not come up"
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            with self.connected() as client:
                return bool(client.ping())
        except (docker.errors.DockerException, OSError):  # requests' errors are OSErrors
            return False


@contextmanager
def running_own_engine(machines: DockerForTests) -> Iterator[OwnEngine]:
    """Start one with the base image of the machine's engine; skip where that needs more rights than there are."""
    if os.geteuid() or not all(shutil.which(name, path=_PATH) for name in _PROGRAMS):
        skip_without("a Docker engine of the test's own: needs root, dockerd and unshare")
    # Not pytest's folder: the paths of sockets are short.
    folder = Path(tempfile.mkdtemp(prefix=f"engine-{uuid.uuid4().hex[:6]}-"))
    engine = OwnEngine(folder)
    (folder / "data").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder / "data")]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        folder.rmdir()
        skip_without(f"a Docker engine of the test's own: {done.stderr.strip()}")
    try:
        engine.start()
        with engine.connected() as client:
            client.images.load(machines.client.images.get(BASE_IMAGE).save(named=True))
        yield engine
    finally:
        engine.close()
