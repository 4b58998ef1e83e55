"""Dialogs, buttons that do one thing once, and errors where they belong."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from nicegui import ui

from services.web.client import Api, ApiError, SignedOut
from services.web.parts.away import session_over

#: Gets an Idempotency-Key.
Action = Callable[[str], Awaitable[Any]]
Refresh = Callable[[], Awaitable[None]]


class Problem:
    """Where a form says what is wrong."""

    def __init__(self) -> None:
        self._label = ui.label().classes("note bad wide").props('role="alert"')
        self.clear()

    def say(self, text: str) -> None:
        """Show it."""
        self._label.set_text(text)
        self._label.set_visibility(True)

    def clear(self) -> None:
        """All is well."""
        self._label.set_text("")
        self._label.set_visibility(False)


def told(text: str, kind: str = "good") -> None:
    """A message that goes by itself; bad ones stay until they are closed."""
    stays: dict[str, Any] = {"timeout": 0, "close_button": "Close"} if kind == "bad" else {"timeout": 4000}
    ui.notify(text, position="top", classes=f"toast {kind}", multi_line=True, **stays)


class Doer:
    """Runs an action at most once at a time, with one Idempotency-Key until it has worked."""

    def __init__(self, action: Action, problem: Problem | None = None) -> None:
        self._action, self._problem = action, problem
        self._client = ui.context.client
        self._key, self._busy = uuid4().hex, False

    async def run(self) -> bool:
        """True if it worked; else the visitor was told why not."""
        if self._busy:
            return False
        self._busy = True
        try:
            # The row with the button may be gone when the action is done: what it says belongs to the page.
            with self._client:
                return await self._run()
        finally:
            self._busy = False

    async def _run(self) -> bool:
        if self._problem is not None:
            self._problem.clear()
        try:
            await self._action(self._key)
        except SignedOut:
            session_over()
            return False
        except ApiError as error:
            if error.status < 500:
                self._key = uuid4().hex  # that was an answer: the next try is another one
            if self._problem is not None:
                self._problem.say(str(error))
            else:
                told(str(error), "bad")
            return False
        self._key = uuid4().hex
        return True


def button(text: str, action: Action, *, kind: str = "", problem: Problem | None = None, label: str = "") -> ui.button:
    """A button for an action; the action gets an Idempotency-Key. kind: "", primary, danger."""
    doer = Doer(action, problem)
    made = ui.button(text, color=None).props("no-caps unelevated").classes(f"btn {kind}")
    if label:
        made.props(f'aria-label="{attribute(label)}"')

    async def press() -> None:
        # Not disabled meanwhile: that would take the keyboard's focus away. The Doer runs once at a time.
        made.props("aria-busy=true").classes("busy")
        try:
            await doer.run()
        finally:
            if not made.is_deleted:
                made.props(remove="aria-busy").classes(remove="busy")

    made.on_click(press)
    return made


def opener(text: str, opens: Callable[[], Any], *, kind: str = "", label: str = "") -> ui.button:
    """A button that opens something."""
    made = ui.button(text, on_click=lambda: opens(), color=None).props("no-caps unelevated").classes(f"btn {kind}")
    if label:
        made.props(f'aria-label="{attribute(label)}"')
    return made


@contextmanager
def dialog(title: str) -> Iterator[ui.dialog]:
    """An open dialog; fill it with `with`, and end it with `ends`."""
    # Of the page, not of the row that opened it: that may go first.
    with ui.context.client, ui.dialog() as made, ui.element("div").classes("card dialog").props('role="document"'):
        made.props(f'aria-label="{attribute(title)}"')
        with ui.element("h2").classes("heading"):
            ui.label(title)
        yield made
    made.on("hide", made.delete)
    made.open()


def ends(opened: ui.dialog, does: str, action: Action, *, done: str = "", danger: bool = False) -> ui.button:
    """The last row of a dialog: Cancel, and a button that closes it when `action` has worked."""
    problem = Problem()

    async def act(key: str) -> None:
        await action(key)
        opened.close()
        if done:
            told(done)

    with ui.row().classes("actions end"):
        opener("Cancel", opened.close)
        return button(does, act, kind="danger" if danger else "primary", problem=problem)


def confirm(
    title: str, text: str, action: Action, *, does: str, choices: dict[str, str] | None = None, typed: str = "",
    done: str = "", danger: bool = False,
) -> None:  # fmt: skip
    """Ask before doing it. `action` gets the chosen key of `choices` if there are some, else the Idempotency-Key.

    typed: a word the visitor must type first, where there is no way back.
    """
    with dialog(title) as opened:
        ui.label(text)
        choice = ui.radio(choices, value=next(iter(choices))) if choices else None
        word = ui.input(f"Type {typed} to confirm").props("outlined dense autocomplete=off") if typed else None

        async def act(key: str) -> None:
            await action(key if choice is None else str(choice.value))

        does_it = ends(opened, does, act, done=done, danger=danger)
        if word is not None:
            does_it.bind_enabled_from(word, "value", lambda value: (value or "").strip() == typed)


def remover(api: Api, path: str, name: str, text: str, refresh: Refresh, *, does: str = "Remove") -> ui.button:
    """A button that deletes something after a question, and reads its list again."""

    async def remove(key: str) -> None:
        await api.delete(path)
        await refresh()

    title = f"{does} {name}"
    return opener(does, lambda: confirm(title, text, remove, does=does, danger=True), label=title)


def switch(api: Api, path: str, name: str, enabled: bool, refresh: Refresh) -> ui.button:
    """A button that switches something on or off, and reads its list again."""

    async def turn(key: str) -> None:
        await api.patch(path, {"enabled": not enabled})
        await refresh()

    does = "Switch off" if enabled else "Switch on"
    return button(does, turn, label=f"{does}: {name}")


def attribute(text: str) -> str:
    """As a value in `props`."""
    # NiceGUI's props take no quotes inside a value.
    return text.replace('"', "'").replace("\\", "/")
