"""An account's sampled usage as a file."""
