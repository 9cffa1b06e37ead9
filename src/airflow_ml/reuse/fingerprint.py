"""What makes a step's result the same: a hash over everything that can change it, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from airflow_ml.reuse.model import Fingerprint, Record
from airflow_ml.reuse.records import FORMAT, seal

if TYPE_CHECKING:
    from airflow_ml.graph import Graph, Json, Step
    from airflow_ml.reuse.input_identity import InputIdentities
    from airflow_ml.reuse.model import UpstreamOutput

__all__ = ["FORMAT", "StepFacts", "fingerprint_step"]


@dataclass(frozen=True)
class StepFacts:
    """
    What the graph does not say about a step.

    Attributes:
        parameters: values of the pipeline's parameters.
        snapshot_id: of the source directory; for explanations.
        source_digest: of the source directory without what the step ignores; None for a step without one.
        extra_content: digests of what `hash_paths` names.
        upstream: committed outputs, by step id and output name.
        handed_on: what other Airflow tasks handed on, by task id.
    """

    parameters: Mapping[str, Json] = field(default_factory=dict)
    snapshot_id: str | None = None
    source_digest: str | None = None
    extra_content: Mapping[str, str] = field(default_factory=dict)
    upstream: Mapping[tuple[str, str], UpstreamOutput] = field(default_factory=dict)
    handed_on: Mapping[str, Json] = field(default_factory=dict)


def fingerprint_step(step: Step, graph: Graph, facts: StepFacts, identities: InputIdentities) -> Fingerprint:
    """
    Return the fingerprint of a step.

    Raises:
        UserErrorException: an input cannot be found or has nothing to be compared by, or a plugin failed.
        ServiceException: registry or storage failed; trying again can help.
    """
    return seal([Record("step", "kind", step.kind)])
