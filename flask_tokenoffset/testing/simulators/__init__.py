"""Simulated vendors: their reports, faults and ledgers."""
