"""Reuse of earlier results: fingerprints, decisions, their reasons, and the end of old results."""
