"""Names and texts that usually hold a secret: what must be masked where it is shown, and encrypted where it is kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["holds_secret", "is_secret_name", "secret_arguments"]

_SECRET_WORDS = re.compile(
    r"secret|token|passw|passphrase|credential|api_?key|(account|access|private|storage|shared|fernet)_?key"
    r"|conn(ection)?_?str|(^|_)(key|sas|pwd|pat|auth|cookie)($|_)",
    re.IGNORECASE,
)
_NOT_SECRET = frozenset({"PWD", "OLDPWD", "SSH_AUTH_SOCK"})

#: A user's password in an address, or a query that signs it (Azure's `sig`, AWS's `X-Amz-Signature`, tokens and keys);
#: the key of a connection string.
_SECRET_TEXT = re.compile(
    r"://[^/\s@]*:[^/\s@]+@|[?&][^=&#\s]*(sig|token|key|secret|passw|pwd|code|auth|cred)[^=&#\s]*="
    r"|(AccountKey|SharedAccessSignature|SharedAccessKey)=",
    re.IGNORECASE,
)


def is_secret_name(name: str) -> bool:
    """Whether a variable, parameter or option of this name usually holds a secret."""
    plain = name.lstrip("-").replace("-", "_")
    return plain not in _NOT_SECRET and _SECRET_WORDS.search(plain) is not None


def secret_arguments(texts: Sequence[str]) -> list[bool]:
    """
    Say of each argument of a command line whether it usually is a secret.

    That is one behind an option of such a name (`--password x`), one joined to its option (`--password=x`), and one
    that opens something by itself.
    """
    found = []
    for before, text in zip(["", *texts], texts, strict=False):
        is_behind = _is_secret_option(before) and "=" not in before and not text.startswith("-")
        name, joined, _ = text.partition("=")
        found.append(is_behind or (bool(joined) and _is_secret_option(name)) or holds_secret(text))
    return found


def _is_secret_option(text: str) -> bool:
    return text.startswith("-") and is_secret_name(text)


def holds_secret(text: str) -> bool:
    """Whether a text has a part that opens something by itself: an address with a signature, for instance."""
    return _SECRET_TEXT.search(text) is not None
