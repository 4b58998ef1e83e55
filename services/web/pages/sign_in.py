"""Sign in, or sign up where the installation allows it."""

from fastapi.responses import RedirectResponse
from nicegui import ui

from services.web import session
from services.web.client import Api, ApiError
from services.web.parts import asking, frame
from services.web.parts.away import sign_in_url
from services.web.parts.tables import note


@ui.page("/sign-in", title="Sign in · AutoGrid", response_timeout=20)
async def sign_in(next: str = "/", over: bool = False) -> RedirectResponse | None:
    """The only page for strangers. `over`: a session has ended."""
    api = session.current()
    # Only pages of our own: a link to this page must not lead elsewhere.
    target = next if next.startswith("/") and not next.startswith(("//", "/\\")) else "/"
    if api.tokens is not None:
        return RedirectResponse(target)
    frame.head("Sign in")
    try:
        options = await api.get("/v1/auth/options")
    except ApiError as error:
        frame.outage(api, error, sign_in_url(target, over=over))
        return None
    with ui.column().classes("page"):
        _form(api, target, options["signup"], over)
    return None


def _form(api: Api, target: str, signup: bool, over: bool) -> None:
    with ui.element("section").classes("card sign"):
        frame.heading("Sign in to AutoGrid")
        if over:
            note("Your session is over. Sign in again to go on where you were.", "warn")
        email = ui.input("E-mail").props("outlined dense type=email autocomplete=username autofocus")
        password = ui.input("Password", password=True, password_toggle_button=False)
        password.props("outlined dense autocomplete=current-password")
        problem = asking.Problem()
        address = ui.context.client.ip

        async def enter(key: str) -> None:
            await api.sign_in(email.value.strip(), password.value, address)
            ui.navigate.to(target)

        async def create(key: str) -> None:
            await api.sign_up(email.value.strip(), password.value, address)
            ui.navigate.to(target)

        password.on("keydown.enter", asking.Doer(enter, problem).run)
        with ui.row().classes("actions"):
            asking.button("Sign in", enter, kind="primary", problem=problem)
            if signup:
                asking.button("Create an account", create, problem=problem)
        if signup:
            ui.label("New here? Choose a password of 12 characters or more.").classes("hint")
        else:
            ui.label("No user yet? An admin can add you: autogrid users add EMAIL").classes("hint")
