"""Signing in and out, mounted only where the host has no login of its own."""
