"""Deletes accounts: asked for, undone, worked through, and receipted."""
