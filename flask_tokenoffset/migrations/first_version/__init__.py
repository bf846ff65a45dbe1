"""What the first migration makes, one module for each feature.

Every name is written out, so that it stays what it is when the naming convention of the models
changes. The types are SQLAlchemy's own for the same reason.
"""
