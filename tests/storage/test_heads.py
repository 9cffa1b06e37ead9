"""Heads of tables, as scripts get them."""

import io

import pytest

from airflow_ml.runtime.frames import read_frame
from airflow_ml.storage.heads import stage_heads

pandas = pytest.importorskip("pandas")

ROWS = 50_000


def content(kind):
    """Return a table's bytes and the first texts in it; some hold line breaks, quotes and blank lines."""
    texts = [f'row "{n}"\n\nof many' if n % 7 == 0 else f"row {n}" for n in range(ROWS)]
    frame = pandas.DataFrame({"n": range(ROWS), "s": texts})
    if kind == "parquet":
        target = io.BytesIO()
        frame.to_parquet(target)
        return target.getvalue(), texts
    if kind == "json_lines":
        return b"nothing\n" + frame.to_json(orient="records", lines=True).encode(), texts
    return frame.to_csv(index=False).encode(), texts


@pytest.mark.parametrize("kind", ["delimited", "json_lines", "parquet"])
def test_a_head_gives_the_same_rows_as_the_whole(store, cache, tmp_path, kind):
    """A script that takes rows gets a small file of the same format, which reads like the whole one."""
    whole, texts = content(kind)
    store.write("t/a", whole)
    store.write("t/b", whole)
    parse = {"format": kind, **({"invalid_lines": "drop"} if kind == "json_lines" else {})}
    definition = {"kind": "tabular", "sources": [{"datastore": "s", "path": "t/"}], "parse": parse}
    definition["steps"] = [{"op": "skip", "count": 300}, {"op": "take", "count": 4}]

    staged = stage_heads(definition, lambda name: store, tmp_path / "staged")

    assert staged.files == ("a",)
    assert (staged.root / "a").stat().st_size < len(whole) / 5
    frame = read_frame(definition, [(str(staged.root / "a"), "a")])
    assert (frame["n"].tolist(), frame["s"].tolist()) == ([300, 301, 302, 303], texts[300:304])


def test_files_are_taken_until_there_are_enough_rows(store, tmp_path, fill):
    """Small files follow each other; those that the definition does not read do not count."""
    fill(store, {f"t/{n}.csv": "n\n" + f"{n}\n" * 90 for n in range(9)} | {"t/0.txt": "n\n"})
    parse = {"format": "delimited", "file_extension": ".csv"}
    definition = {"kind": "tabular", "sources": [{"datastore": "s", "path": "t/"}], "parse": parse}

    staged = stage_heads({**definition, "steps": [{"op": "take", "count": 1}]}, lambda name: store, tmp_path / "staged")

    assert staged.files == ("0.csv", "1.csv", "2.csv")


@pytest.mark.parametrize("steps", [[], [{"op": "sample", "probability": 0.5, "seed": 1}, {"op": "take", "count": 1}]])
def test_where_all_rows_count_there_is_no_head(store, tmp_path, fill, steps):
    """Without rows to take, or behind a step that looks at all of them, the files are needed whole."""
    fill(store, {"a.csv": "n\n1\n"})
    definition = {"kind": "tabular", "sources": [{"datastore": "s", "path": "a.csv"}], "parse": {}, "steps": steps}

    assert stage_heads(definition, lambda name: store, tmp_path / "staged") is None
