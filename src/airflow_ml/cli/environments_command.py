"""`airflow-ml environments`: what was built on this machine for steps, and its removal."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_ml._late import late
from airflow_ml.cli._arguments import add_json_argument, describe, not_negative
from airflow_ml.cli._output import write_json

if TYPE_CHECKING:
    from airflow_ml.cli import tables
    from airflow_ml.compute import engine_images, eviction
    from airflow_ml.graph import Json
    from airflow_ml.registry import home
else:
    engine_images = late("airflow_ml.compute.engine_images")
    eviction = late("airflow_ml.compute.eviction")
    home = late("airflow_ml.registry.home")
    tables = late("airflow_ml.cli.tables")

__all__ = ["add_to"]

_HEADER = ("digest", "kind", "size", "last used", "python", "holds")
_DAY = 86400
_EXAMPLES = """
airflow-ml environments list
airflow-ml environments prune --older-than 30 --dry-run
"""
_PRUNE = """
Removes environments, packages of containers and images built here that were not used for long or are more than the
disk shall hold, those used longest ago first; never one that a step runs from. Builds do the same by themselves. The
bounds are AIRFLOW_ML_ENVIRONMENTS_GB (50) and AIRFLOW_ML_ENVIRONMENTS_DAYS (60), unless the options say otherwise.
"""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser], words: str) -> None:
    """Add the command's parser."""
    parser = commands.add_parser("environments", help=words)
    describe(parser, "Virtual environments, packages of containers and images that were built here.", _EXAMPLES)
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="list what was built, used last first")
    listing.set_defaults(run=_list)
    pruning = actions.add_parser("prune", help="remove what is out of bounds", description=_PRUNE)
    pruning.add_argument("--older-than", type=not_negative, metavar="DAYS", help="not used for so long")
    pruning.add_argument("--keep", type=not_negative, metavar="GB", help="of the rest, keep so much")
    pruning.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    pruning.set_defaults(run=_prune)
    for action in (listing, pruning):
        add_json_argument(action)


def _list(arguments: argparse.Namespace) -> int:
    found = eviction.list_built(home.Home.default().environments)
    if arguments.json:
        built: list[Json] = [_document(item) for item in found]
        write_json({"environments": built})
        return 0
    _print(found)
    total = sum(item.size for item in found)
    sys.stdout.write(f"{len(found)} built, {tables.size_text(total)}\n")
    return 0


def _prune(arguments: argparse.Namespace) -> int:
    default = eviction.Bounds.default()
    bounds = eviction.Bounds(
        default.most_bytes if arguments.keep is None else arguments.keep * 1e9,
        default.most_seconds if arguments.older_than is None else arguments.older_than * _DAY,
    )
    result = eviction.prune(
        home.Home.default().environments,
        bounds,
        is_dry=arguments.dry_run,
        remove_image=engine_images.remove_built_image,
    )
    if arguments.json:
        document: dict[str, Json] = {
            "removed": [_document(item) for item in result.removed],
            "spared": [_document(item) for item in result.spared],
            "freed_bytes": result.freed,
            "dry_run": arguments.dry_run,
        }
        write_json(document)
        return 0
    _print(result.removed)
    said = "would be removed" if arguments.dry_run else "removed"
    sys.stdout.write(f"{len(result.removed)} {said}, {tables.size_text(result.freed)}\n")
    if result.spared:
        sys.stdout.write(f"kept: {len(result.spared)} in use, or on an engine that does not answer\n")
    return 0


def _print(found: Sequence[eviction.Built]) -> None:
    rows = [_row(item) for item in found]
    if rows:
        tables.print_table(_HEADER, rows, sys.stdout)
        sys.stdout.write("\n")


def _row(item: eviction.Built) -> tuple[str, ...]:
    python = str(item.facts.get("python") or "")
    return item.digest[:12], item.kind, tables.size_text(item.size), _used(item), python, _holds(item)


def _used(item: eviction.Built) -> str:
    if item.is_in_use:
        return "now"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(item.used_at))


def _holds(item: eviction.Built) -> str:
    packages = item.facts.get("packages")
    if isinstance(packages, list):
        return ", ".join(str(package) for package in packages)
    return str(item.facts.get("image") or "")


def _document(item: eviction.Built) -> dict[str, Json]:
    return {
        "digest": item.digest,
        "kind": item.kind,
        "path": str(item.path),
        "bytes": item.size,
        "used_at": item.used_at,
        "in_use": item.is_in_use,
        "facts": item.facts,
    }
