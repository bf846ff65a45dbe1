"""Linked accounts of identity providers."""
