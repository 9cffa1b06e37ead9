"""
Uploads and downloads against azure-storage-blob and adlfs by hand, obstore and rclone, in the same run.

    python benchmarks/transfer.py [files] [megabytes] [rounds]

Many files of 20 kB, then one large file, up to an emulator that this program starts and back; then the large file down
from a server that only hands out ranges, because the emulator is slower than its clients. Each measurement is a process
of its own; the engines take turns, and each has a container of its own in each round. Engines that are not installed
are left out; adlfs may lie in a virtual environment of its own, because it brings other versions of Azure's packages
than ours: `ADLFS_PYTHON=/path/to/bin/python` names it. The second upload of the unchanged tree is compared with one
listing, and the peak of memory with what importing takes.

Exit code 1 if a peer is faster, or another limit is passed. On two processors, which the emulator shares with its
client, rounds differ by a tenth and more.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from servers.azurite import ACCOUNT, KEY, Azurite, running_azurite
from servers.range_server import running_range_server

LIMIT, AGAIN_LIMIT, MEMORY_LIMIT = 1.0, 1.3, 200.0
SMALL = 20_000

#: What each engine does in a process of its own: `up` and `down` move the files of `work`, which is a list of names.
ENGINES = {
    "airflow-ml": """
from airflow_ml.storage.factory import StoreContext, open_store
from airflow_ml.storage import transfer
from airflow_ml.storage.protocol import FileInfo, Upload
import airflow_ml.storage.azure.blob_store, obstore, datetime
settings = dict(kind="azure_blob", account=account, container=container, endpoint=endpoint, auth="account_key")
store = open_store(settings, StoreContext("b", credentials=lambda: {"account_key": key}))
def up():
    transfer.upload(store, [Upload(folder / name, name) for name in names])
def down():
    if is_plain:
        now = datetime.datetime.now(datetime.timezone.utc)
        transfer.fetch_files(store, [(FileInfo(name, size, "0x1", now), target / name) for name in names])
    else:
        transfer.download(store, "", target)
""",
    "obstore": """
import obstore
from obstore.store import AzureStore
config = dict(account_name=account, account_key=key, endpoint=endpoint + "/" + account)
store = AzureStore(container, config=config, client_options={"allow_http": True})
def put(name):
    obstore.put(store, name, folder / name, chunk_size=8 << 20, max_concurrency=8)
def get(name):
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    if size <= 8 << 20:
        (target / name).write_bytes(obstore.get(store, name).bytes())
        return
    file = os.open(target / name, os.O_WRONLY | os.O_CREAT)
    def part(start):
        os.pwrite(file, obstore.get_range(store, name, start=start, end=min(start + (8 << 20), size)), start)
    with ThreadPoolExecutor(8) as parts:
        list(parts.map(part, range(0, size, 8 << 20)))
def up():
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, names))
def down():
    found = names if is_plain else [item["path"] for page in obstore.list(store) for item in page]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(get, found))
""",
    "azure sdk": """
from azure.storage.blob import ContainerClient
client = ContainerClient(endpoint + "/" + account, container, credential=key, api_version="2023-11-03",
    max_block_size=8 << 20, max_single_put_size=8 << 20, max_chunk_get_size=8 << 20, max_single_get_size=8 << 20)
def put(name):
    with open(folder / name, "rb") as stream:
        client.upload_blob(name, stream, length=size, max_concurrency=8, validate_content=size > 8 << 20)
def get(name):
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    with open(target / name, "wb") as stream:
        client.download_blob(name, max_concurrency=8).readinto(stream)
def up():
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, names))
def down():
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(get, names if is_plain else list(client.list_blob_names())))
""",
    "adlfs": """
import adlfs
text = f"DefaultEndpointsProtocol=http;AccountName={account};AccountKey={key};BlobEndpoint={endpoint}/{account};"
system = adlfs.AzureBlobFileSystem(connection_string=text, max_concurrency=8)
def up():
    system.put([str(folder / name) for name in names], [container + "/" + name for name in names])
def down():
    system.get([container + "/" + name for name in names], [str(target / name) for name in names])
""",
    "rclone": """
import datetime
from azure.storage.blob import generate_container_sas
token = generate_container_sas(account, container, key, permission="racwdl",
    expiry=datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1))
environ = {**os.environ, "RCLONE_CONFIG_AZ_TYPE": "azureblob",
    "RCLONE_CONFIG_AZ_SAS_URL": f"{endpoint}/{account}/{container}?{token}"}
options = ["--transfers", "16", "--azureblob-upload-concurrency", "8", "--azureblob-chunk-size", "8M",
    "--multi-thread-streams", "8", "--multi-thread-cutoff", "32M"]
def up():
    subprocess.run(["rclone", "copy", folder, "AZ:" + container, *options], env=environ, check=True)
def down():
    subprocess.run(["rclone", "copy", "AZ:" + container, target, *options], env=environ, check=True)
""",
}
PROCESS = """
import json, os, resource, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
way, endpoint, account, key, container, folder, target, size, is_plain = json.loads(sys.argv[1])
folder, target = Path(folder), Path(target)
names = sorted(str(place.relative_to(folder)) for place in folder.rglob("*") if place.is_file())
{engine}
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before, started = peak(), time.perf_counter()
(up if way == "up" else down)()
print(json.dumps([time.perf_counter() - started, (peak() - before) / 1024]))
"""
AGAIN = """
import json, sys, time
from pathlib import Path
from airflow_ml.storage import transfer
from airflow_ml.storage.factory import StoreContext, open_store
endpoint, account, key, container, folder, memory = json.loads(sys.argv[1])
settings = dict(kind="azure_blob", account=account, container=container, endpoint=endpoint, auth="account_key")
store = open_store(settings, StoreContext("b", credentials=lambda: {"account_key": key}))
memory = transfer.TransferMemory(Path(memory))
transfer.put_tree(store, Path(folder), "tree", overwrite=True, memory=memory)
times = {"listing": [], "again": []}
for _ in range(5):
    started = time.perf_counter()
    for _info in store.list("tree"):
        pass
    listed = time.perf_counter()
    transfer.put_tree(store, Path(folder), "tree", overwrite=True, memory=memory)
    times["listing"].append(listed - started)
    times["again"].append(time.perf_counter() - listed)
print(json.dumps([min(times["listing"]), min(times["again"])]))
"""


def main() -> int:
    """Measure, print, and return 1 if a limit is passed."""
    files, megabytes, rounds = (int(value) for value in (*sys.argv[1:4], *("5000", "1024", "3")[len(sys.argv) - 1 :]))
    engines = [name for name in ENGINES if is_installed(name)]
    with tempfile.TemporaryDirectory() as name, running_azurite() as server:
        folder = Path(name)
        for number in range(files):
            write(folder / f"many/d{number % 50}/f{number}", SMALL)
        write(folder / "big/big", megabytes << 20)
        results = measure(server, engines, folder, "many", SMALL, rounds)
        print_table(f"{files} files of 20 kB", results)
        big = measure(server, engines, folder, "big", megabytes << 20, rounds)
        print_table(f"{megabytes} MiB", big)
        with running_range_server(folder / "big/big") as plain:
            bare = [engine for engine in engines if engine not in ("rclone", "adlfs")]
            ranges = measure(plain, bare, folder, "big", megabytes << 20, rounds, is_plain=True)
        print_table(f"{megabytes} MiB from a server of ranges", ranges)
        listing, again = second_upload(server, folder)
    print(f"second upload {again:.3f} s, listing {listing:.3f} s: {again / listing:.2f} times (limit {AGAIN_LIMIT})")
    everything = [*results.items(), *big.items(), *ranges.items()]
    ratios = {f"{way}": worst(times) for way, times in everything}
    memory = max(grown for _, times in everything for _, grown in times["airflow-ml"])
    print(f"slowest against the best of the others: {max(ratios.values()):.2f} (limit {LIMIT})")
    print(f"memory over the import: {memory:.0f} MB (limit {MEMORY_LIMIT:.0f})")
    return int(max(ratios.values()) > LIMIT or again / listing > AGAIN_LIMIT or memory > MEMORY_LIMIT)


def is_installed(engine: str) -> bool:
    """Tell whether an engine is there."""
    module = {"airflow-ml": "airflow_ml", "azure sdk": "azure.storage.blob"}.get(engine, engine)
    if engine == "rclone":
        found = bool(shutil.which("rclone"))
    elif python_of(engine) != sys.executable:
        found = not subprocess.run([python_of(engine), "-c", f"import {module}"], check=False).returncode
    else:
        found = importlib.util.find_spec(module) is not None
    if not found:
        print(f"{engine} is not installed and is left out")
    return found


def python_of(engine: str) -> str:
    """Return the interpreter that an engine runs in."""
    return os.environ.get("ADLFS_PYTHON", sys.executable) if engine == "adlfs" else sys.executable


def write(place: Path, size: int) -> None:
    """Write a file of random bytes."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as stream:
        for start in range(0, size, 1 << 20):
            stream.write(os.urandom(min(1 << 20, size - start)))


Times = dict[str, list[tuple[float, float]]]


def measure(
    server: Any, engines: list[str], folder: Path, data: str, size: int, rounds: int, *, is_plain: bool = False
) -> dict[str, Times]:
    """Return seconds and growth of memory of each round, by direction and engine."""
    ways = ["down"] if is_plain else ["up", "down"]
    times: dict[str, Times] = {f"{data} {way}{' plain' * is_plain}": {name: [] for name in engines} for way in ways}
    for number in range(rounds):
        for engine in engines[number % len(engines) :] + engines[: number % len(engines)]:
            with container_of(server, is_plain) as container:
                for way in ways:
                    target = folder / "target"
                    given = [way, server.endpoint, ACCOUNT, KEY, container, folder / data, target, size, is_plain]
                    program = PROCESS.replace("{engine}", ENGINES[engine])
                    times[f"{data} {way}{' plain' * is_plain}"][engine].append(run(program, given, python_of(engine)))
                shutil.rmtree(target, ignore_errors=True)
    return times


@contextmanager
def container_of(server: Any, is_plain: bool) -> Iterator[str]:
    """Give a container of its own; a server of ranges has none."""
    if is_plain:
        yield "container"
        return
    store = server.open(f"bench-{uuid.uuid4().hex}", create=True)
    yield store.client.address.container
    store.delete_container()


def run(program: str, given: list[Any], python: str = sys.executable) -> Any:
    """Run a program and return what it prints last."""
    text = json.dumps(given, default=str)
    done = subprocess.run([python, "-c", program, text], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def second_upload(server: Azurite, folder: Path) -> tuple[float, float]:
    """Return the times of a listing and of an upload of what is there."""
    with server.new_store() as store:
        container = store.client.address.container
        given = [server.endpoint, ACCOUNT, KEY, container, folder / "many", folder / "memory"]
        listing, again = run(AGAIN, given)
    return listing, again


def worst(times: Times) -> float:
    """Return how many times as long as the best of the others ours takes."""
    best: Callable[[str], float] = lambda name: min(seconds for seconds, _ in times[name])  # noqa: E731
    return best("airflow-ml") / min(best(name) for name in times if name != "airflow-ml")


def print_table(title: str, results: dict[str, Times]) -> None:
    """Print the best time and the most memory of each engine."""
    for way, times in results.items():
        print(f"{title}, {way.split()[1]}: {worst(times):.2f} times the best of the others")
        for engine, found in times.items():
            most = max(grown for _, grown in found)
            print(f"    {engine:11} {min(seconds for seconds, _ in found):7.2f} s   {most:5.0f} MB over the import")


if __name__ == "__main__":
    sys.exit(main())
