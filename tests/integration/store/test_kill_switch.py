"""The kill switch stays engaged: nothing it covers starts, is made or goes on until somebody releases it."""

import threading

import pytest
import sqlalchemy as sa

from autogrid.errors import Conflict, InvalidInput, NotAllowed, NotFound
from autogrid.store import bot_history, bots, engaged, kill_switch, ticking
from autogrid.store.kill_switch import Switch
from autogrid.store.live_tables import account
from tests.integration.store.live_rows import new_account, new_bot, new_user


def _engage(store: sa.Engine, scope: str, which: int | None, by: int | None = None) -> tuple[Switch, list[int]]:
    with store.begin() as connection:
        return kill_switch.engage(connection, scope, which, "leak", by)


def _release(store: sa.Engine, switch: Switch, by: int | None = None, admin: bool = True) -> Switch:
    with store.begin() as connection:
        return kill_switch.release(connection, switch.id, by, as_admin=admin)


def _wish(store: sa.Engine, bot_id: int, wish: str) -> None:
    with store.begin() as connection:
        bots.ask(connection, bot_id, None, wish)


def _owned(store: sa.Engine, name: str) -> tuple[int, int, int]:
    """A user, its account and its bot."""
    user = new_user(store, f"{name}@example.org")
    main = new_account(store, name)
    with store.begin() as connection:
        connection.execute(sa.update(account).where(account.c.id == main).values(owner_id=user))
    return user, main, new_bot(store, main, owner_id=user)


@pytest.mark.parametrize("scope", ["bot", "account", "mine", "everything"])
def test_what_it_covers_does_not_start_and_the_rest_does(store: sa.Engine, scope: str) -> None:
    (user, main, bot), (_, other, free) = _owned(store, "ada"), _owned(store, "bob")
    which = {"bot": bot, "account": main, "mine": user, "everything": None}[scope]
    switch, killed = _engage(store, scope, which, user)
    everything = scope == "everything"
    assert sorted(killed) == ([bot, free] if everything else [bot])
    for wish in ("run", "pause", "hold", "stop_sell"):
        with pytest.raises(Conflict, match=rf"bot {bot}: .*kill switch {switch.id} \({scope}: leak\).*release it"):
            _wish(store, bot, wish)
    if everything:
        with pytest.raises(Conflict):
            _wish(store, free, "run")
    else:
        _wish(store, free, "run")
        new_bot(store, other, name="free 2")
    if scope == "bot":
        new_bot(store, main, name="beside it", owner_id=user)
    else:
        with pytest.raises(Conflict, match="a new bot on account"):
            new_bot(store, main, name="too late", owner_id=user)
    _release(store, switch)
    _wish(store, bot, "run")
    new_bot(store, main, name="in time", owner_id=user)
    with store.connect() as connection:
        assert [kill_switch.page(connection, None), kill_switch.page(connection, None, released=True)[0].id] == [
            [], switch.id,
        ]  # fmt: skip


def test_ending_a_bot_is_allowed_while_it_is_engaged(store: sa.Engine) -> None:
    bot = new_bot(store)
    _engage(store, "bot", bot)
    for wish in ("stop", "kill"):
        _wish(store, bot, wish)
        found = ticking.target(store, bot)
        assert found is not None
        assert found.wish == wish


def test_a_worker_kills_a_bot_that_slipped_through(store: sa.Engine) -> None:
    """It was made by a transaction that could not see the switch yet: its first tick finds it all the same."""
    bot = new_bot(store)
    switch, _ = _engage(store, "everything", None)
    with store.begin() as connection:
        connection.execute(sa.text("UPDATE bot SET wish = 'run', next_tick_at = now() + interval '1 hour'"))
    for _ in range(2):
        found = ticking.target(store, bot)
        assert found is not None
        assert found.wish == "kill"
    with store.connect() as connection:
        assert bots.get(connection, bot).wish == "kill"
        events = bot_history.events(connection, bot)
    assert [event.data["reason"] for event in events] == [f"kill switch {switch.id} (everything: leak)", "leak"]


def test_a_start_and_a_switch_at_once_end_in_death(store: sa.Engine) -> None:
    """Whoever is first: in the end the bot is killed, or its start was refused."""
    bot = new_bot(store)
    for _ in range(10):
        start = threading.Barrier(2)

        def wish(barrier: threading.Barrier = start) -> None:
            barrier.wait()
            try:
                _wish(store, bot, "run")
            except Conflict:
                return

        thread = threading.Thread(target=wish)
        thread.start()
        start.wait()
        switch, _ = _engage(store, "bot", bot)
        thread.join()
        with store.connect() as connection:
            assert bots.get(connection, bot).wish == "kill"
        _release(store, switch)


def test_engaged_twice_is_one_switch(store: sa.Engine) -> None:
    bot = new_bot(store)
    first, killed = _engage(store, "everything", None)
    second, again = _engage(store, "everything", None)
    assert (first.id, killed) == (second.id, again) == (first.id, [bot])
    other, _ = _engage(store, "bot", bot)
    assert other.id != first.id
    _release(store, first)
    with store.begin() as connection, pytest.raises(Conflict, match=r"\(bot: leak\)"):
        engaged.require_bot(connection, bot)
    with pytest.raises(Conflict, match="released already"):
        _release(store, first)
    third, _ = _engage(store, "everything", None)
    assert third.id not in (first.id, other.id)


def test_who_may_release_what(store: sa.Engine) -> None:
    (ada, main, _), (bob, _, _) = _owned(store, "ada"), _owned(store, "bob")
    boss = new_user(store, "boss@example.org")
    own, _ = _engage(store, "account", main, ada)
    with pytest.raises(NotFound, match="no kill switch"):
        _release(store, own, bob, admin=False)
    assert _release(store, own, ada, admin=False).released_by == ada
    imposed, _ = _engage(store, "account", main, boss)
    with pytest.raises(NotAllowed, match="engaged by an admin"):
        _release(store, imposed, ada, admin=False)
    everything, _ = _engage(store, "everything", None, boss)
    with pytest.raises(NotAllowed):
        _release(store, everything, ada, admin=False)
    with store.connect() as connection:
        assert [each.id for each in kill_switch.page(connection, ada)] == [everything.id, imposed.id]
        assert [each.id for each in kill_switch.page(connection, bob)] == [everything.id]
    assert _release(store, everything).released_by is None
    assert _release(store, imposed, boss).released_by == boss


def test_what_does_not_exist_cannot_be_stopped(store: sa.Engine) -> None:
    for scope in ("bot", "account"):
        with pytest.raises(NotFound, match=f"{scope} 77 does not exist"):
            _engage(store, scope, 77)
    with pytest.raises(InvalidInput, match="expected the id"):
        _engage(store, "bot", None)
    with pytest.raises(NotFound), store.begin() as connection:
        kill_switch.release(connection, 77, None, as_admin=True)
