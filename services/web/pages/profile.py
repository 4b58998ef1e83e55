"""You: time zone, password, API keys; for admins the users."""

from typing import Any
from zoneinfo import available_timezones

from nicegui import ui

from services.web.client import ApiError
from services.web.parts import asking, frame, listing, show
from services.web.parts.asking import Refresh
from services.web.parts.away import leaving
from services.web.parts.frame import Visit
from services.web.parts.tables import note

ROLES = {"viewer": "Viewer", "trader": "Trader", "admin": "Admin"}


@frame.page("/profile", "Profile")
async def profile(visit: Visit) -> None:
    """Settings of the signed-in user."""
    frame.heading("Profile")
    with ui.element("div").classes("grid2"):
        with frame.card("You"):
            ui.label(f"{visit.me['email']}, {visit.me['role']}")
            _zone(visit)
            frame.heading("Theme", level=3)
            frame.theme_choice()
        with frame.card("Password"):
            _password(visit)
    with frame.card("API keys"):
        ui.label("For scripts and the command line. A key is shown once, when it is made.").classes("hint")
        await _keys(visit)
    if visit.admin:
        with frame.card("Users"):
            await _users(visit)


def _zone(visit: Visit) -> None:
    async def change(name: str) -> None:
        async def act(key: str) -> None:
            visit.me |= await visit.api.patch("/v1/users/me", {"time_zone": name})
            asking.told(f"Times are shown in {name}.")

        await asking.Doer(act).run()

    zones = sorted(available_timezones())
    field = ui.select(zones, value=visit.zone, label="Time zone", with_input=True)
    field.on_value_change(lambda e: change(e.value)).props("outlined dense")


def _password(visit: Visit) -> None:
    old = ui.input("Current password", password=True).props("outlined dense autocomplete=current-password")
    new = ui.input("New password", password=True).props("outlined dense autocomplete=new-password")
    ui.label("12 characters or more. Changing it ends all of your sessions.").classes("hint")
    problem = asking.Problem()

    async def change(key: str) -> None:
        with leaving():
            await visit.api.patch("/v1/users/me", {"password": new.value, "current_password": old.value})
            await visit.api.sign_out()
            ui.navigate.to("/sign-in")

    with ui.row().classes("actions"):
        asking.button("Change the password", change, problem=problem)


async def _keys(visit: Visit) -> None:
    reads = listing.of(visit.api, "/v1/api-keys")
    shown = listing.in_rows(reads, "keys", "No key yet.", lambda each: _key(visit, each, shown.refresh))
    await shown.refresh()
    place = ui.element("div").classes("stack")
    with ui.row().classes("actions"):
        name = ui.input("Name").props("outlined dense").style("width: 200px")
        role = ui.select(_roles_up_to(visit.me["role"]), value="viewer", label="May").props("outlined dense")
        role.style("width: 130px")
        problem = asking.Problem()

        async def make(key: str) -> None:
            body = {"name": (name.value or "").strip(), "role": role.value}
            made = await visit.api.post("/v1/api-keys", body, key)
            with place:
                note(f"Keep this key now, it is not shown again:\n{made['key']}", "good")
            await shown.refresh()

        asking.button("Make a key", make, problem=problem)


def _roles_up_to(role: str) -> dict[str, str]:
    names = list(ROLES)
    return {name: ROLES[name] for name in names[: names.index(role) + 1]}


def _key(visit: Visit, each: dict[str, Any], refresh: Refresh) -> None:
    path, name = f"/v1/api-keys/{each['id']}", each["name"]
    with listing.item(f"{name} ({each['prefix']}…)", f"{each['role']}, last used {show.ago(each['last_used_at'])}"):
        asking.remover(visit.api, path, name, "Whoever uses it is refused from now on.", refresh, does="Revoke")


async def _users(visit: Visit) -> None:
    reads = listing.of(visit.api, "/v1/users")
    shown = listing.in_rows(reads, "users", "Nobody yet.", lambda user: _user(visit, user))
    try:
        await shown.refresh()
    except ApiError as error:
        note(str(error), "bad")


def _user(visit: Visit, user: dict[str, Any]) -> None:
    path = f"/v1/users/{user['id']}"

    async def change(body: dict[str, Any]) -> None:
        async def act(key: str) -> None:
            await visit.api.patch(path, body)
            asking.told(f"{user['email']} changed.")

        await asking.Doer(act).run()

    with listing.item(user["email"], f"since {str(user['created_at'])[:10]}"):
        if user["id"] == visit.me["id"]:
            ui.label("you").classes("soft")
            return
        role = ui.select(ROLES, value=user["role"], label="Role", on_change=lambda e: change({"role": e.value}))
        role.props(f'outlined dense aria-label="Role of {user["email"]}"').style("width: 130px")
        ui.checkbox("May sign in", value=user["active"], on_change=lambda e: change({"active": e.value}))
