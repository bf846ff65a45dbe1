"""The elements under one name, as our pages use them: ``{% set to = tokenoffset.elements() %}``.

Jinja executes a file of macros anew with each import that hands the page's context in, and there
are thirty of these files. Ours need nothing of a page but ``tokenoffset``, so what was made of them
is kept, and only those that a page uses are looked at. A file that a host put in the place of one
of ours still gets the context of the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.environment import TemplateModule
    from jinja2.runtime import Context, Macro

_FOLDER: Final = str(Path(__file__).parents[2] / "templates" / "tokenoffset") + "/"
_GATHERED: Final = "tokenoffset/elements.html"
#: These are put together from others, any of which may be the host's.
_MADE_ANEW: Final = frozenset({"usage_chart"})


class KeptModules:
    """What was made of the files of our elements, for one application.

    :param view: what they find as ``tokenoffset``.
    """

    def __init__(self, view: object) -> None:
        self._view = view
        self._kept: dict[str, tuple[Template, TemplateModule]] = {}

    def on_page(self, context: Context) -> object:
        """Every element, as an attribute of what is returned.

        :param context: of the page.
        """
        gathered = context.environment.get_template(_GATHERED)
        if is_ours(gathered):
            return _Elements(self, context)
        return gathered.make_module(context.get_all(), shared=True)

    def module_of(self, name: str, context: Context) -> TemplateModule:
        """The module that defines an element.

        :param context: of the page.
        """
        environment = context.environment
        template = environment.get_template(f"tokenoffset/elements/{name}.html")
        if name in _MADE_ANEW or not is_ours(template):
            return template.make_module(context.get_all(), shared=True)
        made_of, module = self._kept.get(name, (None, None))
        if module is None or made_of is not template:
            module = template.make_module({"tokenoffset": self._view})
            # One may hold another, which a reloading environment may load again before it.
            if not environment.auto_reload:
                self._kept[name] = template, module
        return module


class _Elements:
    """The elements on one page; each is looked up when it is first used there."""

    def __init__(self, modules: KeptModules, context: Context) -> None:
        self._modules = modules
        self._context = context

    def __getattr__(self, name: str) -> Macro:
        if name.startswith("_"):
            raise AttributeError(name)
        macro = cast("Any", getattr(self._modules.module_of(name, self._context), name))
        setattr(self, name, macro)
        return cast("Macro", macro)


def is_ours(template: Template) -> bool:
    """Whether a template is the one we ship, and not the host's in its place."""
    return template.filename is not None and template.filename.startswith(_FOLDER)
