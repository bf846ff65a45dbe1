"""Copies of everything held about oneself: asked for, shown, fetched once."""
