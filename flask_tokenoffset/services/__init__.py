"""What the product does, with a package for each feature. The only writers.

A service takes the session and its collaborators as arguments, flushes, raises errors from
:mod:`flask_tokenoffset.errors`, and never commits. It knows nothing of Flask.
"""
