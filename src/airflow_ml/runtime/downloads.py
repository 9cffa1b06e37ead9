"""Where the downloaded files of a run go, by v1's rules."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["download_target", "download_targets"]


def download_target(name: str, output_file_path: str | None) -> str:
    """Return the path for one file: what was given, in it if it is a folder, else the file's own name."""
    target = output_file_path or os.path.basename(name)
    return os.path.join(target, os.path.basename(name)) if os.path.isdir(target) else target


def download_targets(
    names: Sequence[str],
    prefix: str | None,
    output_directory: str | None,
    output_paths: Sequence[str] | None,
    *,
    append_prefix: bool,
) -> Iterator[tuple[str, str]]:
    """
    Yield the files below a prefix, each with its path.

    Args:
        names: all files of the run.
        prefix: a folder, whole parts only, or one file, which keeps its path.
        output_paths: one for each file; without effect when there are not as many different ones (v1).
        append_prefix: False leaves the prefix out, only with `output_directory` and without `output_paths` (v1).
    """
    folder = prefix.replace("\\", "/").strip("/") + "/" if prefix else ""
    chosen = [name for name in names if f"{name}/".startswith(folder)]
    targets: Sequence[str] = chosen
    if output_paths is not None and len({*output_paths}) == len(chosen):
        targets = output_paths
    elif output_directory is not None and not append_prefix:
        targets = [name[len(folder) :] if name.startswith(folder) else name for name in chosen]
    for name, target in zip(chosen, targets):
        yield name, os.path.join(output_directory or "", target)
