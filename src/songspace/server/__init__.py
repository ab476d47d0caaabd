"""The server: a library's songs, questions and sound over HTTP, for the page and for other programs.

:func:`songspace.server.app.create_app` makes it. No request leaves the machine, and nothing below imports FastAPI.
"""
