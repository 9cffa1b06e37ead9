"""Names and texts that usually hold a secret: what must be masked where it is shown, and encrypted where it is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["holds_secret", "is_behind_secret_option", "is_secret_name", "names_secret", "secret_arguments"]

_SECRET_WORDS = re.compile(
    r"secret|token|passw|passphrase|credential|api_?key|(account|access|private|storage|shared|fernet)_?key"
    r"|conn(ection)?_?str|(^|_)(key|sas|pwd|pat|auth|cookie)($|_)",
    re.IGNORECASE,
)
_NOT_SECRET = frozenset({"PWD", "OLDPWD", "SSH_AUTH_SOCK"})

#: `--name=value`, also among others: `Server=a;Password=b`, `{"password": "b"}`, `?api_key=b`.
_NAMED_VALUE = re.compile(r"(?<![\w-])-*(?P<name>[A-Za-z_][\w-]*)[\"']?\s*[=:]\s*[^\s=:]")
#: `Authorization: Bearer abc`, the key of an Azure function, and the token of a conda channel (`https://host/t/abc/name`).
_UNNAMED_VALUE = re.compile(r"\bbearer\s+\S|[?&]code=.|://[^\s/]+/t/[^\s/]+/", re.IGNORECASE)
#: `--name` or `-name` alone, whose value is the next word.
_OPTION = re.compile(r"--?(?P<name>[A-Za-z_][\w-]*)")
#: A password in an address, and what signs one: Azure's `sig`, Amazon's and Google's `X-...-Signature`.
_SIGNED = re.compile(r"://[^/\s@]*:[^/\s@]+@|[?&][^=&#\s]*(sig|signature)=", re.IGNORECASE)


def is_secret_name(name: str) -> bool:
    """Whether a variable, parameter or option of this name usually holds a secret."""
    plain = name.replace("-", "_")
    return plain not in _NOT_SECRET and _SECRET_WORDS.search(plain) is not None


def names_secret(text: str) -> bool:
    """Whether a text says that something in it is a secret: `Server=a;Password=b`, a bearer token."""
    named = any(is_secret_name(found["name"]) for found in _NAMED_VALUE.finditer(text))
    return named or _UNNAMED_VALUE.search(text) is not None


def holds_secret(text: str) -> bool:
    """Whether a text has a part that opens something: it names a secret, or is an address with a signature."""
    return names_secret(text) or _SIGNED.search(text) is not None


def is_behind_secret_option(word: str, before: str) -> bool:
    """Whether a word of a command line is the value of an option that stands before it, such as `--password`."""
    option = _OPTION.fullmatch(before)
    return option is not None and not word.startswith("-") and is_secret_name(option["name"])


def secret_arguments(words: Sequence[str]) -> list[bool]:
    """Say of each word of a command line whether it usually is, or holds, a secret."""
    pairs = zip(["", *words], words, strict=False)
    return [is_behind_secret_option(word, before) or holds_secret(word) for before, word in pairs]
