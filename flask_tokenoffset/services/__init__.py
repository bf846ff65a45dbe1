"""What the product does, one module a noun. The only writers.

A service takes the session and its collaborators as arguments, flushes, raises errors from
:mod:`flask_tokenoffset.errors`, and never commits. It knows nothing of Flask.
"""
