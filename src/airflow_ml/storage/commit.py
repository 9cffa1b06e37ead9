"""
From what a script wrote to an output that exists.

The files go to their place first, the manifest last, by a conditional write. A commit may die at any point: nothing
counts before the manifest is there, and the same call made again finishes it. Files are renamed into a store on the
same file system; then a plan is written before the first rename, because from there on the source alone no longer
tells what belongs to the output. Everywhere else they are hashed while they are copied.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from airflow_ml.exceptions import ServiceException, StepFailedError, UserErrorException
from airflow_ml.storage.files import hash_file, outlast_clock
from airflow_ml.storage.manifest_lines import list_output
from airflow_ml.storage.manifests import (
    Manifest,
    ManifestFile,
    commit_plan_path,
    manifest_path,
    read_manifest,
    read_manifest_at,
)
from airflow_ml.storage.output_source import (
    Stamps,
    identity_of,
    read_file,
    read_source,
    refuse_changes,
    stamp,
    written_to,
)
from airflow_ml.storage.protocol import FileInfo, ReadableStore, Store, StoredFile, Upload, join_path, normalise_path
from airflow_ml.storage.tree import TreeFile

__all__ = ["commit_output", "is_begun", "publish", "staging_token", "verify"]


def commit_output(
    store: Store,
    source: Path,
    *,
    destination: str,
    run_id: str,
    output: str,
    datastore: str,
    overwrite: bool = True,
    normaliser: str | None = None,
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
        normaliser: what the hook `airflow_ml_normalise_output` is asked for; what it makes of each file is the file's
            identity for consumers.

    Raises:
        StepFailedError: nothing was written, or something that cannot be stored: links out of the output, pipes, files
            that are still written to.
        UserErrorException: a file would be replaced and `overwrite` is off, or no plugin knows the normaliser.
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
            if plan is not None:
                placed, stamps = _resume(store, source, plan)
            else:
                placed, stamps = _store_all(store, source, blank, overwrite=overwrite, normaliser=normaliser)
            manifest = publish(store, _with_etags(store, placed, stamps))
        store.delete(plan_path)
    return manifest


def is_begun(store: Store, run_id: str, output: str) -> bool:
    """Tell whether a commit has begun to take files of this output away: from then on it can only be finished."""
    return any(
        manifest is not None
        for manifest in (
            read_manifest(store, run_id, output),
            read_manifest_at(store, commit_plan_path(run_id, output)),
        )
    )


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


def _store_all(
    store: Store, source: Path, blank: Manifest, *, overwrite: bool, normaliser: str | None
) -> tuple[Manifest, Stamps]:
    """Put all files in their places; the stamps are those of files that were taken themselves."""
    files = read_source(source)
    stamps = stamp(files)
    if not overwrite:
        _refuse_conflicts(store, blank.path, files)
    if not files:
        store.make_folder(blank.path)
    if not files or not store.adopts(source):
        stored = store.put_files(_uploads(blank.path, files), token=_token(blank))
        manifest = blank.with_files(_manifest_files(files, stored, blank.output, normaliser))
        refuse_changes(stamps, {file.path: file.place for file in files}.get)
        return manifest, {}
    plan = blank.with_files([read_file(file, blank.output, normaliser) for file in files])
    store.write(commit_plan_path(plan.run_id, plan.output), plan.to_json().encode())
    return _move(store, plan, files, stamps)


def _refuse_conflicts(store: Store, folder: str, files: Sequence[TreeFile]) -> None:
    for file in files:
        path = join_path(folder, file.path)
        if not store.exists(path):
            continue
        if _stored_digest(store, path) != hash_file(file.place)[1]:
            raise UserErrorException(
                f"path {path!r} exists with other content, and overwrite is off; turn it on or choose a destination "
                "with {run-id}"
            )


def _uploads(folder: str, files: Sequence[TreeFile]) -> list[Upload]:
    return [Upload(file.place, join_path(folder, file.path)) for file in files]


def _token(manifest: Manifest) -> str:
    return staging_token(manifest.run_id, manifest.output)


def staging_token(run_id: str, output: str) -> str:
    """Return the name under which a store gathers an output's files, so that a later try ends an earlier one."""
    return hashlib.sha256(f"{run_id}/{output}".encode()).hexdigest()[:16]


def _manifest_files(
    files: Sequence[TreeFile], stored: Sequence[StoredFile], output: str, normaliser: str | None
) -> list[ManifestFile]:
    return [
        ManifestFile(file.path, kept.size, kept.sha256, kept.etag, identity_of(file, output, normaliser))
        for file, kept in zip(files, stored, strict=True)
    ]


def _move(store: Store, plan: Manifest, files: Sequence[TreeFile], stamps: Stamps) -> tuple[Manifest, Stamps]:
    """
    Copy what is reached through links while its target is still there, then take the files themselves.

    Returns:
        The plan with the ETags of what was copied, and the stamps of what was taken.
    """
    linked = [file for file in files if file.is_link]
    stored = store.put_files(_uploads(plan.path, linked), token=_token(plan))
    plain = [file for file in files if not file.is_link]
    left = [file for file in plain if not store.adopt(file.place, join_path(plan.path, file.path))]
    stored += store.put_files(_uploads(plan.path, left), token=_token(plan))
    copied = {file.path: kept for file, kept in zip([*linked, *left], stored, strict=True)}
    placed = []
    for file in plan.files:
        kept = copied.get(file.path)
        if kept is not None and kept.sha256 != file.sha256:
            raise written_to(file.path)
        placed.append(file if kept is None else replace(file, etag=kept.etag))
    return plan.with_files(placed), {file.path: stamps[file.path] for file in plain if file.path not in copied}


def _resume(store: Store, source: Path, plan: Manifest) -> tuple[Manifest, Stamps]:
    """Put in place what the plan lists and is not there yet; the source has the rest."""
    there = {file.path: item for file in plan.files if (item := _left_over(source, file.path)) is not None}
    stamps = stamp([*there.values()])
    remaining = []
    for file in plan.files:
        item = there.get(file.path)
        if item is not None and hash_file(item.place) == (file.size, file.sha256):
            remaining.append(item)
        elif _stored_digest(store, plan.location(file)) != file.sha256:
            raise ServiceException(
                f"an earlier commit was cut, and {file.path!r} is neither at {str(source)!r} nor on the datastore "
                "as it was; run the step again"
            )
    return _move(store, plan, remaining, stamps)


def _left_over(source: Path, path: str) -> TreeFile | None:
    place = source / path if path else source
    is_link = place.resolve() != source.resolve() / path
    return TreeFile(path, place.resolve(), is_link) if place.is_file() else None


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
    known = {file.content for file in committed.files}
    places = [source] if source.is_file() else source.rglob("*")
    # Links are left alone: what they pointed to may have been renamed away.
    for place in (place for place in places if place.is_file() and not place.is_symlink()):
        path = "" if place == source else place.relative_to(source).as_posix()
        if (path, *hash_file(place)) not in known:
            raise ServiceException(
                f"run {committed.run_id!r} has committed it already, and {path!r} is different or new; "
                "commit other content under another run"
            )


def _with_etags(store: Store, manifest: Manifest, stamps: Stamps) -> Manifest:
    """Return the manifest as it is published, after comparing it with what is in place."""
    if store.local_path(manifest.path) is not None:
        # Whatever is written from now on gives a file another ETag than the one that is about to be noted.
        outlast_clock(time.time_ns())
    wanted = {manifest.location(file) for file in manifest.files}
    infos = {info.path: info for info in list_output(store, manifest) if info.path in wanted}
    _refuse_problems(_problems(manifest, infos))
    # After the ETags: a write before them shows here, and one after them changes the ETag.
    refuse_changes(stamps, lambda path: store.local_path(join_path(manifest.path, path)))
    return manifest.with_etags(infos)


def publish(store: Store, manifest: Manifest) -> Manifest:
    """Write the manifest and return the one that holds: another process may have committed the same just before."""
    path = manifest_path(manifest.run_id, manifest.output)
    content = manifest.to_json().encode()
    try:
        store.write(path, content, overwrite=False)
        if not store.exists(path):  # a proxy on the way may say yes and forget
            raise ServiceException(f"path {path!r}: the store said that it was written, and has it not; try again")
    except FileExistsError:
        other = read_manifest(store, manifest.run_id, manifest.output)
        if other is None:
            store.write(path, content)
        elif not other.is_same_output(manifest):
            raise ServiceException("another process committed it with other content at the same time") from None
        else:
            return other
    return manifest


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
    return _problems(manifest, {info.path: info for info in list_output(store, manifest)})


def _problems(manifest: Manifest, infos: Mapping[str, FileInfo]) -> list[str]:
    problems = []
    for file in manifest.files:
        path = manifest.location(file)
        if path not in infos:
            problems.append(f"file {path!r} is missing")
        elif infos[path].size != file.size:
            problems.append(f"file {path!r} has {infos[path].size} bytes, {file.size} were written")
    return problems
