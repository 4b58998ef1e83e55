"""Tables and lists of facts: plain HTML, for screen readers, phones and quick updates."""

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup, escape
from nicegui import ui

from services.web.parts.show import join


class Held(ui.html, component="held.js"):
    """HTML with links or tables that is replaced while a visitor looks at it: focus, scrolling and a press stay."""


class Table:
    """A table whose rows can be replaced; only what changed is sent.

    Columns: names; a name that begins with `#` is of numbers (right-aligned). On a phone `stacked` rows become
    cards, others scroll sideways. `whole`: all rows are in sight, however many; else it scrolls. `empty` is said where
    there are no rows.
    """

    def __init__(
        self, label: str, columns: Sequence[str], empty: str, *, stacked: bool = False, whole: bool = False
    ) -> None:
        self._label, self._columns, self.empty = label, columns, empty
        self._looks = " ".join(name for name, is_so in (("stacked", stacked), ("whole", whole)) if is_so)
        self.element = Held(sanitize=False).classes("wide")

    def rows(self, rows: Iterable[Sequence[Any]]) -> None:
        """Show these. Cells that are not Markup are escaped."""
        heads = [(name.lstrip("#"), "num" if name.startswith("#") else "") for name in self._columns]
        body = join(
            Markup("<tr>{}</tr>").format(
                join(
                    Markup('<td class="{}" data-label="{}">{}</td>').format(kind, name, cell)
                    for (name, kind), cell in zip(heads, row, strict=True)
                )
            )
            for row in rows
        )
        if not body:
            said = Markup('<p class="empty">{}</p>').format(self.empty)
        else:
            head = join(Markup('<th scope="col" class="{}">{}</th>').format(kind, name) for name, kind in heads)
            said = Markup(
                '<div class="table {}" tabindex="0" role="region" aria-label="{}">'
                "<table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
            ).format(self._looks, self._label, head, body)
        put(self.element, said)


def put(element: ui.html, said: Markup) -> None:
    """Replace the content where it differs. Never hand it what is not Markup."""
    text = str(escape(said))
    if element.content != text:
        element.set_content(text)


class Facts:
    """Names and values side by side; kind: "" or small."""

    def __init__(self, kind: str = "") -> None:
        self._kind = kind
        self.element = Held(sanitize=False).classes("wide")

    def show(self, facts: Iterable[tuple[str, Any]]) -> None:
        """Replace them."""
        body = join(Markup("<div><dt>{}</dt><dd>{}</dd></div>").format(name, value) for name, value in facts)
        put(self.element, Markup('<dl class="facts {}">{}</dl>').format(self._kind, body))


def facts(values: Iterable[tuple[str, Any]]) -> Facts:
    """Facts that are known now."""
    made = Facts()
    made.show(values)
    return made


def note(text: str, kind: str = "soft") -> ui.html:
    """A remark; kind: soft, good, warn, bad."""
    said = Markup('<p class="note {}"{}>{}</p>').format(kind, Markup(' role="alert"') if kind == "bad" else "", text)
    return ui.html(str(said), sanitize=False).classes("wide")
