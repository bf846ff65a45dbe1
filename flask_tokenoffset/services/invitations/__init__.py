"""Invitations to an organization: sent one at a time or as a list, and answered."""
