"""One module per version of the registry's tables; a version that was released is never edited."""
