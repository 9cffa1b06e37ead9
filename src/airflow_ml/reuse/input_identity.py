"""What a step's inputs are compared by: their content, or their definition."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_ml.reuse.model import ReuseContext

__all__ = ["InputIdentities"]


class InputIdentities:
    """
    Identities of inputs as they are now; what was found out once is not looked at again, so take a new one each time.

    Args:
        keep_listings: store the lists of files behind inputs in the workspace, for later explanations.
    """

    def __init__(self, context: ReuseContext, *, keep_listings: bool = False) -> None:
        self.context = context
        self._keep_listings = keep_listings
