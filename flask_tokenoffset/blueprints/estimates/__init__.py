"""Estimates: choose a band, type an amount, or look at one."""
