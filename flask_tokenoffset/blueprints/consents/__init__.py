"""Consents: what a person's data is used for, decided one purpose at a time, and the receipts."""
