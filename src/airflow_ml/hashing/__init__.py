"""Digests of files, remembered from one look to the next."""
