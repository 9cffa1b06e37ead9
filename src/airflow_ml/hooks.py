"""The plugins that are loaded: ours, and those that other packages register by entry point."""
