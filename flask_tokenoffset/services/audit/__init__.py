"""The audit log: signed chains, read and verified."""
