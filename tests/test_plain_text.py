"""The search for secrets finds them."""

from pathlib import Path

from plain_text import files_with


def test_files_with_a_mark_are_found(tmp_path: Path):
    """A mark is found in text and between other bytes, in any folder but the one that is left out."""
    for name, content in {"a/x": b"\0\xffse.cret\n", "b/y": b"nothing", "c/z": b"se.cret"}.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(content)

    assert sorted(files_with(tmp_path, "se.cret", b"other")) == ["a/x", "c/z"]
    assert files_with(tmp_path, "se.cret", but=tmp_path / "a") == ["c/z"]
    assert files_with(tmp_path, "sexcret") == []
