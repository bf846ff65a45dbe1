"""The operator's queue of requests that people make under their rights."""
