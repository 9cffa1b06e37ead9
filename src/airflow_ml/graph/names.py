"""Which names are possible; without regular expressions, whose import would cost a DAG file more than its steps."""

from __future__ import annotations

__all__ = ["is_variable_name", "is_word", "with_words_only"]


def is_word(text: str) -> bool:
    """Tell whether a text consists of letters, digits and underscores, at least one (v1's rule for ports)."""
    return bool(text) and text.replace("_", "a").isalnum()


def is_variable_name(text: str) -> bool:
    """Tell whether a text is an ASCII word that begins with no digit (v1's rule for datasets' inputs and outputs)."""
    return text.isascii() and is_word(text) and not text[0].isdigit()


def with_words_only(text: str, *, keep: str = "") -> str:
    """
    Return the text with each run of other characters than those of words replaced by one underscore.

    Args:
        keep: further characters that stay.
    """
    marked = "".join([character if is_word(character) or character in keep else "\0" for character in text])
    return "_".join([part for part in marked.split("\0") if part]) if "\0" in marked else text
