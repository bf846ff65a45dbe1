"""The vendors that come with the package: one module each, found by its name.

A module here is a vendor and nothing else. It is called as the vendor is stored, and its
``PROVIDER`` is the vendor's :class:`~flask_tokenoffset.providers.Provider`.
"""
