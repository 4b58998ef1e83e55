"""The buttons that steer a bot; only those that its state allows are there."""

from typing import Any

from nicegui import ui

from services.web.parts import asking
from services.web.parts.frame import Visit

PAUSE = {"cancel": "Cancel its resting orders", "keep": "Leave its orders resting"}
STOP = {"keep": "Keep the coins it holds", "sell": "Sell the coins at the market"}
#: Status -> buttons.
ALLOWED = {
    "waiting": ("pause", "stop", "kill"),
    "running": ("pause", "stop", "kill"),
    "paused": ("resume", "stop", "kill"),
    "refused": ("resume", "kill"),
    "stopping": ("kill",),
    "halted": ("resume", "stop"),
}


class Steering:
    """Start, pause, resume, stop, kill."""

    def __init__(self, visit: Visit, bot_id: int) -> None:
        self._visit, self._path = visit, f"/v1/bots/{bot_id}"
        self._name = ""
        with ui.row().classes("actions") as row:
            row.props('role="group" aria-label="Steer the bot"')
            self._buttons = {
                "start": asking.button("Start", self._go("start"), kind="primary"),
                "resume": asking.button("Resume", self._go("resume"), kind="primary"),
                "pause": asking.opener("Pause", self._pause),
                "stop": asking.opener("Stop", self._stop),
                "kill": asking.opener("Kill", self._kill, kind="danger"),
            }

    def show(self, bot: dict[str, Any]) -> None:
        """Offer what the bot's state allows."""
        self._name = bot["name"]
        allowed = set(ALLOWED.get(bot["status"], ()))
        if "resume" in allowed and bot["started_at"] is None:
            allowed = allowed - {"resume"} | {"start"}
        if bot["status"] == "halted":
            pass  # its wish was what halted it
        elif bot["wish"] == "kill":
            allowed = set()
        elif bot["wish"] == "run":
            allowed -= {"resume", "start"} if bot["status"] != "refused" else set()
        elif bot["wish"] in ("pause", "hold"):
            allowed = allowed - {"pause"} | ({"resume"} if "start" not in allowed else set())
        for name, button in self._buttons.items():
            button.set_visibility(name in allowed)

    def _go(self, verb: str) -> asking.Action:
        async def go(key: str) -> None:
            self.show(await self._visit.api.post(f"{self._path}/{verb}", key=key))
            self._visit.live.poke()
            asking.told(f"{self._name}: told to {verb}.")

        return go

    async def _send(self, verb: str, body: dict[str, Any]) -> None:
        self.show(await self._visit.api.post(f"{self._path}/{verb}", body))
        self._visit.live.poke()

    def _pause(self) -> None:
        async def act(choice: str) -> None:
            await self._send("pause", {"keep_orders": choice == "keep"})

        text = (
            "It stops deciding until you resume it. Orders left resting may still fill; it books them when it goes on."
        )
        asking.confirm(f"Pause {self._name}", text, act, does="Pause", choices=PAUSE, done="Pausing.")

    def _stop(self) -> None:
        async def act(choice: str) -> None:
            await self._send("stop", {"sell": choice == "sell"})

        text = "Its orders are cancelled and it ends for good. A new one can be made from its passport."
        asking.confirm(f"Stop {self._name}", text, act, does="Stop", choices=STOP, done="Stopping.", danger=True)

    def _kill(self) -> None:
        async def act(key: str) -> None:
            await self._send("kill", {"reason": "killed on the page"})

        text = "Cancels every order of this bot at once and halts it for good. Coins are kept, not sold."
        asking.confirm(f"Kill {self._name}", text, act, does="Kill", typed="KILL", done="Killing.", danger=True)
