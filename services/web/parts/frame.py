"""What every page of a signed-in visitor has: header, navigation, theme, live updates, errors in the API's words."""

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi.responses import RedirectResponse
from nicegui import app, ui

from services.web import session
from services.web.client import Api, ApiError, SignedOut
from services.web.parts.away import lead, leaving, session_over, sign_in_url
from services.web.parts.kill import Engaged
from services.web.parts.live import Live, of
from services.web.parts.tables import note

SECTIONS = (
    ("/", "Overview", "dashboard"),
    ("/studies", "Studies", "science"),
    ("/jobs", "Backtests", "query_stats"),
    ("/accounts", "Accounts", "account_balance_wallet"),
    ("/reports", "Reports", "description"),
    ("/alerts", "Alerts", "notifications"),
    ("/system", "System", "monitor_heart"),
    ("/profile", "Profile", "person"),
)
#: Choice -> NiceGUI's value; None follows the system.
THEMES: dict[str, bool | None] = {"System": None, "Light": False, "Dark": True}
#: How often a page of an outage looks whether it is over.
OUTAGE_S = 3.0
LOST = (
    "No answer from the API since {since}: what you see is from then. Bots trade without this page, which goes on by "
    "itself. If it does not: is autogrid api running?"
)
Build = Callable[..., Awaitable[None]]


@dataclass
class Visit:
    """One open page of a signed-in visitor."""

    api: Api
    #: The user as the API shows it.
    me: dict[str, Any]
    live: Live = field(repr=False)

    @property
    def zone(self) -> str:
        """The visitor's time zone."""
        return str(self.me["time_zone"])

    @property
    def trades(self) -> bool:
        """Whether the visitor may change anything."""
        return bool(self.me["role"] != "viewer")

    @property
    def admin(self) -> bool:
        """Whether the visitor sees everybody's things."""
        return bool(self.me["role"] == "admin")


def page(path: str, title: str) -> Callable[[Build], Build]:
    """A page for signed-in visitors. The decorated function gets a Visit and the path's parameters."""

    def decorate(build: Build) -> Build:
        @functools.wraps(build)
        async def shown(*_: Any, **parameters: Any) -> RedirectResponse | None:
            request = ui.context.client.request
            api = session.current()
            path = request.url.path
            if api.tokens is None:
                return RedirectResponse(sign_in_url(path, over=api.ended))
            try:
                me = await api.get("/v1/users/me")
            except SignedOut:
                return RedirectResponse(sign_in_url(path, over=True))
            except ApiError as error:
                head(title)
                outage(api, error, path)
                return None
            await _framed(api, me, title, build, parameters)
            return None

        signature = inspect.signature(build)
        kept = list(signature.parameters.values())[1:]
        shown.__signature__ = signature.replace(parameters=kept, return_annotation=None)  # type: ignore[attr-defined]
        ui.page(path, title=f"{title} · AutoGrid", response_timeout=20)(shown)
        return build

    return decorate


async def _framed(api: Api, me: dict[str, Any], title: str, build: Build, parameters: dict[str, Any]) -> None:
    said = head(title, me)
    visit = Visit(api, me, Live(api, said))
    engaged = Engaged(api, me, visit.live)
    with ui.column().classes("page"):
        try:
            await engaged.refresh()
            visit.live.on(engaged.refresh, of("kill_switch"))
            await build(visit, **parameters)
        except SignedOut:
            session_over()
        except ApiError as error:
            heading("Not here" if error.status == 404 else "That did not work")
            note(str(error), "bad")
            ui.link("Back to the overview", "/")


def head(title: str, me: dict[str, Any] | None = None) -> Callable[[bool], None]:
    """Header, navigation and theme; returns what takes whether live updates come."""
    theme()
    ui.query(".q-page").props("id=main tabindex=-1")
    here = ui.context.client.request.url.path
    drawer = None if me is None else _navigation(here)
    with ui.header().classes("bar"):
        ui.html('<a class="skip" href="#main">Skip to the content</a>', sanitize=False).classes("skip-box")
        if drawer is not None:
            menu = ui.button(icon="menu", on_click=drawer.toggle, color=None).props("flat dense")
            menu.classes("btn menu").props('aria-label="Navigation"')
        ui.html('<a class="brand" href="/"><span aria-hidden="true">▦</span> AutoGrid</a>', sanitize=False)
        ui.space()
        if me is None:
            return lambda live: None
        state = ui.label("connecting").classes("live").props('role="status"')
        _person(me)

    lost = ui.label().classes("note bad lost").props('role="alert"')
    lost.set_visibility(False)
    clock = ZoneInfo(me["time_zone"])

    def told(live: bool) -> None:
        was = lost.visible
        state.set_text("live" if live else "reconnecting")
        state.classes(add="on" if live else "off", remove="off" if live else "on")
        if live == was:
            since = datetime.now(clock).strftime("%H:%M:%S")
            lost.set_text("" if live else LOST.format(since=since))
            lost.set_visibility(not live)

    return told


def _navigation(here: str) -> ui.left_drawer:
    drawer = ui.left_drawer(value=False, bordered=True).classes("side")
    # Open where there is room, which the browser knows.
    drawer.props("show-if-above width=200 breakpoint=900")
    with drawer, ui.element("nav").props('aria-label="Sections"').classes("sections"):
        for url, name, icon in SECTIONS:
            current = here == url or (url != "/" and here.startswith(url)) or (url == "/" and here.startswith("/bots"))
            with ui.element("a").props(f'href="{url}"' + (' aria-current="page"' if current else "")):
                ui.icon(icon).props('aria-hidden="true"')
                ui.label(name)
    return drawer


def _person(me: dict[str, Any]) -> None:
    async def leave() -> None:
        with leaving():
            await session.current().sign_out()
            ui.navigate.to("/sign-in")

    with ui.button(icon="account_circle", color=None).props("flat dense").classes("btn person") as button:
        button.props('aria-label="You and your settings" aria-haspopup="dialog"')
        with ui.menu().props('role=dialog aria-label="You and your settings"'), ui.column().classes("menu-card"):
            ui.label(me["email"]).classes("strong")
            ui.label(f"Role: {me['role']}").classes("soft")
            theme_choice()
            ui.link("Password, time zone, API keys", "/profile")
            ui.button("Sign out", on_click=leave, color=None).props("flat no-caps").classes("btn")


def theme() -> None:
    """Dark or light as chosen, else as the system."""
    app.storage.user.setdefault("theme", "System")
    ui.dark_mode().bind_value_from(app.storage.user, "theme", lambda name: THEMES.get(str(name)))


def theme_choice() -> None:
    """System, light or dark."""
    chosen = str(app.storage.user.get("theme", "System"))

    async def change() -> None:
        app.storage.user.update(theme=made.value)

    made = choice(list(THEMES), chosen, "Theme", change)


def choice(options: list[str], value: str, label: str, changed: Callable[[], Awaitable[None]]) -> ui.toggle:
    """A few words side by side, one of them chosen."""
    made = ui.toggle(options, value=value, on_change=changed)
    # Quasar's colour classes outrank every style sheet: choose names that have none.
    made.props("color=none text-color=none toggle-color=none toggle-text-color=none")
    return made.props(f'no-caps unelevated aria-label="{label}"').classes("toggle")


def heading(text: str, *, level: int = 1) -> ui.label:
    """A heading in the document's outline."""
    made = ui.element(f"h{level}").classes("heading")
    with made:
        return ui.label(text)


def card(title: str | None = None) -> ui.element:
    """A panel; use it with `with`."""
    made = ui.element("section").classes("card")
    if title is not None:
        with made:
            heading(title, level=2)
    return made


def outage(api: Api, error: ApiError, url: str) -> None:
    """The API does not answer: say so, and load `url` when it does again."""

    async def look() -> None:
        try:
            await api.get("/v1/auth/options")
        except ApiError:
            return
        lead(url, "The API answers.")

    with ui.column().classes("page"):
        heading("The API cannot be reached")
        note(str(error), "bad")
        ui.label("Your bots trade without this page. Start the API (autogrid api); the page then loads by itself.")
        with ui.row().classes("actions"):
            ui.button("Load again", on_click=ui.navigate.reload, color=None).props("no-caps").classes("btn primary")
    ui.timer(OUTAGE_S, look)
