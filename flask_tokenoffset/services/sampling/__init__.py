"""Reads ninety days of usage from vendors, weekly and on request."""
