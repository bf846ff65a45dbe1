"""The first page of privacy: where a person stands, and the links to each of their rights."""
