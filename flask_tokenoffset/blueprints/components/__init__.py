"""Pieces of ours that a host puts into its own pages, and the views they lead to."""
