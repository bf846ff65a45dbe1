"""Estimates: immutable figures of tokens a month, and their ranges."""
