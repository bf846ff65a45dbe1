"""Consents: the ledger, what it says now, its verification, restrictions."""
