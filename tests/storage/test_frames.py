"""Frames read where the stores are."""

import pytest

from airflow_ml.storage.frames import read_frame


def test_a_folder_of_tables_is_one_frame(store, cache, fill):
    """The files are read where they lie; nothing is copied."""
    pytest.importorskip("pandas")
    fill(store, {"t/1.csv": "a,b\n1,x\n", "t/2.csv": "a,b\n2,y\n"})
    sources = [{"datastore": "s", "path": "t/*.csv"}]
    definition = {"kind": "tabular", "sources": sources, "parse": {"format": "delimited"}}

    frame = read_frame(definition, lambda name: store, cache=cache)

    assert frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}
    assert not cache.exists()
