"""Pieces of ours that a host puts into its own pages, and the doors they lead to."""
