"""The content of a step's source directory, addressed by content."""
