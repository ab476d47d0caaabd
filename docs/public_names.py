"""A Griffe extension for the reference: public names that a package loads when they are first asked for.

Griffe reads the code without running it, and so does not see what ``__getattr__`` gives. This extension imports each
package that has an ``__all__`` and puts an alias beside it for each name that Griffe has not found.
"""

from __future__ import annotations

import re
from importlib import import_module
from types import ModuleType
from typing import Any

from griffe import Alias, Extension, Module, Object

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr|exc):`[~.]?([^`]+)`")
"""Sphinx's roles, which Markdown does not know; their text becomes code."""

_SESSION = re.compile(r"^(?=>>> )(?:.+\n?)+", re.MULTILINE)
"""A paragraph that is a doctest, which Markdown does not know either."""


class PublicNames(Extension):
    """Makes lazily loaded names known, and roles into code."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _markdown(obj.docstring.value)

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        self.on_object(obj=pkg)
        for package in [pkg, *(module for module in pkg.modules.values() if module.is_init_module)]:
            if "__all__" in package.members:
                _complete(package, import_module(package.path))


def _markdown(text: str) -> str:
    text = _ROLE.sub(r"`\1`", text)
    text = re.sub(r"^( *)\.\. (\[\d+\])", r"\1- \2", text, flags=re.MULTILINE)  # a footnote
    text = re.sub(r"(\[\d+\])_", r"\1", text)  # and what refers to it
    if "\nExamples\n---" in text:  # Griffe finds the doctests of this section by itself
        return text
    return _SESSION.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```\n", text)


def _complete(package: Module, loaded: ModuleType) -> None:
    package.exports = list(loaded.__all__)
    for name in loaded.__all__:
        if name not in package.members:
            found = getattr(loaded, name)
            target = found.__name__ if isinstance(found, ModuleType) else f"{found.__module__}.{found.__qualname__}"
            package.set_member(name, Alias(name, target))
