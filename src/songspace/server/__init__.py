"""The server: songs, queries and sound of a library over HTTP, for the page and for other programs.

:func:`songspace.server.app.create_app` makes it. It sends no requests to other machines, and nothing below it imports
FastAPI.
"""
