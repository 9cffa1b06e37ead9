"""Datastores, the commit of outputs, and the staging of inputs and datasets."""
