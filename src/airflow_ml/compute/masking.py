"""Taking credentials out of text: those in addresses, and those that an environment holds under telling names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from airflow_ml.graph.secret_names import is_secret_name

__all__ = ["Masking", "mask_credentials"]

MASK = "***"
# The last letter of the scheme is enough; with all of it a long word without one takes quadratic time.
_CREDENTIALS = re.compile(r"(?P<scheme>[A-Za-z0-9+.-]://)[^/\s@]+@")
_SIGNATURE = re.compile(r"(?P<name>[?&](?:sig|token|access_token|key)=)[^&\s'\"]+", re.IGNORECASE)
#: Shorter values are not searched for: they would mask half of every text.
_SHORTEST = 4


def mask_credentials(text: str) -> str:
    """Return the text with user, password and signature of every URL in it masked."""
    return _SIGNATURE.sub(rf"\g<name>{MASK}", _CREDENTIALS.sub(rf"\g<scheme>{MASK}@", text))


@dataclass(frozen=True)
class Masking:
    """
    Masks credentials in addresses, and these secrets wherever they stand.

    Attributes:
        secrets: longest first.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of_environment(cls, environment: Mapping[str, str], more: Iterable[str] = ()) -> Masking:
        """Mask the secrets of an environment: variables called like one, and passwords in addresses."""
        found = set(more)
        for name, value in environment.items():
            if is_secret_name(name):
                found.add(value)
            elif "@" in value and "://" in value:
                found.update(_passwords(value))
        return cls(tuple(sorted((text for text in found if len(text) >= _SHORTEST), key=len, reverse=True)))

    def mask(self, text: str) -> str:
        """Return the text without them."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return mask_credentials(text)


def _passwords(value: str) -> Iterable[str]:
    for word in re.split(r"[\s,]+", value):
        try:
            password = urlsplit(word).password
        except ValueError:
            continue
        if password:
            yield from {password, unquote(password)}
