"""Accounts, their credentials at rest, rotation; passports."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from autogrid.cli.app import app
from autogrid.errors import InvalidInput
from autogrid.settings import settings
from autogrid.store import accounts, passports, secrets
from autogrid.store.accounts import Credentials
from autogrid.store.live_tables import account, passport
from tests.integration.store.live_rows import new_bot, new_user

PLAIN = Credentials("the-api-key-1234", "s3cret", "pass phrase")


@pytest.fixture(autouse=True)
def _fresh_settings() -> Iterator[None]:
    yield
    settings.cache_clear()


def use(monkeypatch: pytest.MonkeyPatch, *keys: str, env: str = "development") -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", ",".join(keys))
    monkeypatch.setenv("AUTOGRID_ENV", env)
    settings.cache_clear()


def add(engine: sa.Engine, name: str = "main") -> int:
    with engine.begin() as connection:
        return accounts.add(connection, name=name, exchange="binance", credentials=PLAIN)


def read(engine: sa.Engine, account_id: int) -> Credentials:
    with engine.connect() as connection:
        return accounts.credentials(connection, account_id)


def test_credentials_are_kept_encrypted(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, secrets.new_key(), env="production")
    which = add(store)
    assert read(store, which) == PLAIN
    assert "s3cret" not in repr(PLAIN)
    assert "pass phrase" not in repr(PLAIN)
    with store.connect() as connection:
        row = connection.execute(sa.select(account)).one()
        assert accounts.get(connection, "main") == accounts.get(connection, which) == accounts.listing(connection)[0]
    assert row.key_hint == "1234"
    for part in (b"s3cret", b"the-api-key", b"pass phrase"):
        assert part not in row.credentials


def test_without_a_key_development_makes_one_and_production_refuses(
    store: sa.Engine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, env="production")
    with pytest.raises(InvalidInput, match="expected a key, since AUTOGRID_ENV is production, found none; make one"):
        add(store)
    use(monkeypatch, " , ")
    with ThreadPoolExecutor(4) as pool:
        keys = set(pool.map(lambda _: secrets._development_key(home / secrets.KEY_FILE), range(8)))
    assert len(keys) == 1
    file = home / secrets.KEY_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert read(store, add(store)) == PLAIN
    file.chmod(0o644)
    with pytest.raises(InvalidInput, match="expected a file that only its owner reads.*chmod 600"):
        secrets.fernet()
    file.chmod(0o600)
    use(monkeypatch, "too short")
    with pytest.raises(InvalidInput, match="expected 32 bytes as url-safe base64.*as key 1 of 1"):
        secrets.fernet()


def test_a_wrong_key_and_tampering_are_said_and_lose_nothing(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = secrets.new_key(), secrets.new_key()
    use(monkeypatch, old)
    which, other = add(store), add(store, "other")
    use(monkeypatch, new)
    with pytest.raises(InvalidInput, match="account 'main': its credentials open with none of the keys"):
        read(store, which)
    with pytest.raises(InvalidInput, match="account 'main'.*Nothing was changed"):
        secrets.rotate(store)
    use(monkeypatch, new, old)
    assert read(store, which) == PLAIN
    with store.begin() as connection:
        token = connection.scalar(sa.select(account.c.credentials).where(account.c.id == which))
        connection.execute(sa.update(account).where(account.c.id == other).values(credentials=token))
    with pytest.raises(InvalidInput, match=f"expected its own credentials, found those of account {which}"):
        read(store, other)
    with store.begin() as connection:
        connection.execute(
            sa.update(account).where(account.c.id == other).values(credentials=token[:-9] + b"AAAAAAAA=")
        )
    with pytest.raises(InvalidInput, match="account 'other'.*tampered"):
        read(store, other)
    with pytest.raises(InvalidInput, match="account 'other'.*Nothing was changed"):
        secrets.rotate(store)
    use(monkeypatch, old)
    assert read(store, which) == PLAIN  # the failed rotation changed nothing
    with store.begin() as connection:
        accounts.set_credentials(connection, other, Credentials("k2", "s2"))
    assert read(store, other) == Credentials("k2", "s2", None)


def test_rotation_under_load_loses_nothing(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [secrets.new_key() for _ in range(4)]
    use(monkeypatch, keys[0])
    ids = [add(store, f"a{i}") for i in range(10)]
    stop = threading.Event()
    reads = 0

    def reader() -> int:
        done = 0
        while not stop.is_set():
            for which in ids:
                assert read(store, which) == PLAIN
                done += 1
        return done

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(reader) for _ in range(2)]
        for known in range(2, len(keys) + 1):
            use(monkeypatch, *keys[:known][::-1])
            assert secrets.rotate(store) == 10
        stop.set()
        reads = sum(each.result() for each in readers)
    assert reads > 0
    use(monkeypatch, keys[-1])
    assert [read(store, which) for which in ids] == [PLAIN] * 10
    use(monkeypatch, keys[0])
    with pytest.raises(InvalidInput, match="none of the keys"):
        read(store, ids[0])


def test_rotation_by_command(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    old = secrets.new_key()
    use(monkeypatch, old)
    which = add(store)
    new = CliRunner().invoke(app, ["secrets", "new"]).output.strip()
    use(monkeypatch, new, old)
    said = CliRunner().invoke(app, ["secrets", "rotate"])
    assert said.output == "1 credentials are encrypted under the first key; the others can go\n"
    use(monkeypatch, new)
    assert read(store, which) == PLAIN


def test_accounts_have_one_name_for_each_owner(store: sa.Engine) -> None:
    ann = new_user(store, "ann@example.org")
    with store.begin() as connection:
        paper = accounts.add(connection, name="p", exchange=accounts.PAPER)
        with pytest.raises(InvalidInput, match="account 'p' exists already"):
            accounts.add(connection, name="p", exchange="binance")
        mine = accounts.add(connection, name="p", exchange="binance", owner_id=ann)
        with pytest.raises(InvalidInput, match="ambiguous"):
            accounts.get(connection, "p")
        assert accounts.get(connection, "p", owner_id=ann).id == mine
        assert [each.id for each in accounts.listing(connection, owner_id=ann)] == [mine]
        with pytest.raises(InvalidInput, match="account 'p' has no credentials"):
            accounts.credentials(connection, paper)
        for call in (accounts.credentials, accounts.remove, accounts.unblock):
            with pytest.raises(InvalidInput, match="account 99999999 does not exist"):
                call(connection, 99999999)
        accounts.remove(connection, mine)
        with pytest.raises(InvalidInput, match="does not exist"):
            accounts.get(connection, mine)
    new_bot(store, paper)
    with store.begin() as connection, pytest.raises(InvalidInput, match="has 1 bots, whose history"):
        accounts.remove(connection, paper)


def test_passports_never_change(store: sa.Engine) -> None:
    ann = new_user(store, "ann@example.org")
    words = {name: name for name in ("study", "study_name", "code_hash", "candles_sha256", "fills_sha256")}
    new = passports.Passport(id="a1" * 32, owner_id=None, result={"equity": "1.5"}, gates=[{"name": "parity"}], **words)
    with store.begin() as connection:
        for _ in range(2):
            assert passports.save(connection, new) == new.id
        passports.save(connection, replace(new, id="a1" * 6 + "b2" * 26, owner_id=ann))
        kept = passports.get(connection, new.id)
        assert replace(kept, created_at=None) == new
        assert passports.get(connection, "a1a1a1a1a1a1b") == passports.listing(connection, owner_id=ann)[0]
        with pytest.raises(InvalidInput, match="is ambiguous"):
            passports.get(connection, "a1a1a1a1")
        with pytest.raises(InvalidInput, match="does not exist"):
            passports.get(connection, new.id, owner_id=ann)
        with pytest.raises(InvalidInput, match="does not exist"):
            passports.get(connection, "a1")
        assert len(passports.listing(connection)) == 2
    for change in (sa.update(passport).values(study="other"), sa.delete(passport)):
        with store.connect() as connection, pytest.raises(sa.exc.DBAPIError, match="is immutable: promote the study"):
            connection.execute(change)
