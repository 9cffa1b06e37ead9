"""Stores on Azure: Blob, over its REST interface."""
