"""Questions that are put to a library, and their answers as data: what the command line and the server share.

Nothing here prints. What there is to say beside an answer goes to a :class:`songspace.reporter.Reporter`.
"""
