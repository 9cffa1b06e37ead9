"""
From what a script wrote to an output that exists.

The files go to their place first, the manifest last, by a conditional write. A commit may die at any point: nothing
counts before the manifest is there, and the same call made again finishes it. Files are renamed into a store on the
same file system; then a plan is written before the first rename, because from there on the source alone no longer
tells what belongs to the output. Everywhere else they are hashed while they are copied.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from airflow_ml.exceptions import ServiceException, StepFailedError, UserErrorException
from airflow_ml.storage.files import hash_file
from airflow_ml.storage.manifests import (
    Manifest,
    ManifestFile,
    commit_plan_path,
    manifest_path,
    read_manifest,
    read_manifest_at,
)
from airflow_ml.storage.protocol import ReadableStore, Store, StoredFile, Upload, join_path, normalise_path
from airflow_ml.storage.tree import TreeFile, walk_files

__all__ = ["commit_output", "verify"]


def commit_output(
    store: Store,
    source: Path,
    *,
    destination: str,
    run_id: str,
    output: str,
    datastore: str,
    overwrite: bool = True,
) -> Manifest:
    """
    Make what a script wrote an output of its run; called again for the same run and output, finish or confirm it.

    Over a folder that has files already, files of equal names are replaced, others stay, and the manifest lists the
    new ones alone. Empty folders inside the output are not kept.

    Args:
        store: where to.
        source: the file or folder that the script wrote; what a store on the same file system takes is gone then.
        destination: path of the output on the datastore, file or folder like the source.
        run_id: of the step run.
        output: its name in the step.
        datastore: the store's name in the workspace.
        overwrite: False refuses to replace a file that has other content.

    Raises:
        StepFailedError: nothing was written, or something that cannot be stored: links out of the output, pipes.
        UserErrorException: a file would be replaced and `overwrite` is off.
        ServiceException: the datastore failed (full, for instance), or the same output was committed with other
            content; nothing of this commit is visible, and calling again goes on.
    """
    blank = Manifest(run_id, output, datastore, normalise_path(destination), is_file=source.is_file(), files=())
    with _named(output, datastore):
        plan_path = commit_plan_path(run_id, output)
        manifest = read_manifest(store, run_id, output)
        if manifest is not None:
            _confirm(manifest, source)
        else:
            plan = read_manifest_at(store, plan_path)
            manifest = _resume(store, source, plan) if plan else _store_all(store, source, blank, overwrite=overwrite)
            _refuse_problems(verify(store, manifest))
            _publish(store, manifest)
        store.delete(plan_path)
    return manifest


@contextmanager
def _named(output: str, datastore: str) -> Iterator[None]:
    """Say in every error which output and datastore it is about."""
    where = f"output {output!r} on datastore {datastore!r}"
    try:
        yield
    except ServiceException as exc:
        raise ServiceException(f"{where}: not committed: {exc}", inner_exception=exc) from exc
    except UserErrorException as exc:
        raise type(exc)(f"{where}: {exc}", inner_exception=exc) from exc
    except StepFailedError as exc:
        raise StepFailedError(f"{where}: {exc}", inner_exception=exc) from exc
    except OSError as exc:
        raise ServiceException(f"{where}: not committed: {exc}", inner_exception=exc) from exc


def _read_source(source: Path) -> list[TreeFile]:
    if source.is_symlink():
        raise StepFailedError(f"{str(source)!r} is a link; write a file or a folder there")
    try:
        files = list(walk_files(source))
    except FileNotFoundError as exc:
        raise StepFailedError(f"nothing was written at {str(source)!r}; write a file or a folder there") from exc
    except PermissionError as exc:
        raise StepFailedError(f"{exc.filename!r} cannot be read; the script must leave it readable") from exc
    except UserErrorException as exc:
        raise StepFailedError(str(exc)) from exc
    for file in files:
        if not os.access(file.place, os.R_OK):
            raise StepFailedError(f"{file.path!r} cannot be read; the script must leave it readable")
    return files


def _store_all(store: Store, source: Path, blank: Manifest, *, overwrite: bool) -> Manifest:
    files = _read_source(source)
    if not overwrite:
        _refuse_conflicts(store, blank.path, files)
    if not files:
        store.make_folder(blank.path)
    if not files or not store.adopts(source):
        stored = store.put_files(_uploads(blank.path, files), token=_token(blank))
        return _filled(blank, _manifest_files(files, stored))
    plan = _filled(blank, [_hashed(file) for file in files])
    store.write(commit_plan_path(plan.run_id, plan.output), plan.to_json().encode())
    _move(store, plan, files)
    return plan


def _refuse_conflicts(store: Store, folder: str, files: Sequence[TreeFile]) -> None:
    for file in files:
        path = join_path(folder, file.path)
        if not store.exists(path):
            continue
        ours = _hashed(file)
        if _stored_digest(store, path) != ours.sha256:
            raise UserErrorException(
                f"path {path!r} exists with other content, and overwrite is off; turn it on or choose a destination "
                "with {run-id}"
            )


def _uploads(folder: str, files: Sequence[TreeFile]) -> list[Upload]:
    return [Upload(file.place, join_path(folder, file.path)) for file in files]


def _token(manifest: Manifest) -> str:
    return hashlib.sha256(f"{manifest.run_id}/{manifest.output}".encode()).hexdigest()[:16]


def _hashed(file: TreeFile) -> ManifestFile:
    size, digest = hash_file(file.place)
    return ManifestFile(file.path, size, digest)


def _manifest_files(files: Sequence[TreeFile], stored: Sequence[StoredFile]) -> list[ManifestFile]:
    return [ManifestFile(file.path, kept.size, kept.sha256) for file, kept in zip(files, stored, strict=True)]


def _filled(blank: Manifest, files: Sequence[ManifestFile]) -> Manifest:
    return Manifest(blank.run_id, blank.output, blank.datastore, blank.path, blank.is_file, tuple(files))


def _move(store: Store, plan: Manifest, files: Sequence[TreeFile]) -> None:
    """Copy what is reached through links while its target is still there, then take the files themselves."""
    linked = [file for file in files if file.is_link]
    store.put_files(_uploads(plan.path, linked), token=_token(plan))
    plain = [file for file in files if not file.is_link]
    left = [file for file in plain if not store.adopt(file.place, join_path(plan.path, file.path))]
    store.put_files(_uploads(plan.path, left), token=_token(plan))


def _resume(store: Store, source: Path, plan: Manifest) -> Manifest:
    """Put in place what the plan lists and is not there yet; the source has the rest."""
    remaining = []
    for file in plan.files:
        place = source / file.path if file.path else source
        is_link = place.resolve() != source.resolve() / file.path
        if place.is_file() and hash_file(place) == (file.size, file.sha256):
            remaining.append(TreeFile(file.path, place.resolve(), is_link))
        elif _stored_digest(store, plan.location(file)) != file.sha256:
            raise ServiceException(
                f"an earlier commit was cut, and {file.path!r} is neither at {str(source)!r} nor on the datastore "
                "as it was; run the step again"
            )
    _move(store, plan, remaining)
    return plan


def _stored_digest(store: Store, path: str) -> str | None:
    digest = hashlib.sha256()
    try:
        with store.open_read(path) as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    except FileNotFoundError:
        return None
    return digest.hexdigest()


def _confirm(committed: Manifest, source: Path) -> None:
    """Check that what the source still holds is what was committed; renamed files are no longer there."""
    known = set(committed.files)
    places = [source] if source.is_file() else source.rglob("*")
    # Links are left alone: what they pointed to may have been renamed away.
    for place in (place for place in places if place.is_file() and not place.is_symlink()):
        path = "" if place == source else place.relative_to(source).as_posix()
        file = _hashed(TreeFile(path, place, is_link=False))
        if file not in known:
            raise ServiceException(
                f"run {committed.run_id!r} has committed it already, and {file.path!r} is different or new; "
                "commit other content under another run"
            )


def _publish(store: Store, manifest: Manifest) -> None:
    path = manifest_path(manifest.run_id, manifest.output)
    content = manifest.to_json().encode()
    try:
        store.write(path, content, overwrite=False)
    except FileExistsError:
        other = read_manifest(store, manifest.run_id, manifest.output)
        if other is None:
            store.write(path, content)
        elif other != manifest:
            raise ServiceException("another process committed it with other content at the same time") from None


def _refuse_problems(problems: Sequence[str]) -> None:
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ServiceException("; ".join(problems[:3]) + more)


def verify(store: ReadableStore, manifest: Manifest) -> list[str]:
    """
    Compare a manifest with what is on the store, by names and sizes, in one listing.

    Returns:
        One sentence for each file that is missing or has another size; none means that the output is whole.
    """
    if manifest.is_file:
        sizes = {manifest.path: store.stat(manifest.path).size} if store.exists(manifest.path) else {}
    else:
        sizes = {info.path: info.size for info in store.list(manifest.path)}
    problems = []
    for file in manifest.files:
        path = manifest.location(file)
        if path not in sizes:
            problems.append(f"file {path!r} is missing")
        elif sizes[path] != file.size:
            problems.append(f"file {path!r} has {sizes[path]} bytes, {file.size} were written")
    return problems
