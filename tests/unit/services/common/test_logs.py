"""Every type of secret is pushed through every way into a log line; none may come out."""

import base64
import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator

import pytest
import structlog

from services.common import logs, redact

_KEY = base64.urlsafe_b64encode(bytes(range(32))).decode()
_EXCHANGE = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"

#: What leaks -> (text in which it would, the part that must not come out).
SECRETS = {
    "database url": ("postgresql://autogrid:p@ss:w/rd@db:5432/autogrid", "p@ss:w/rd"),
    "redis url": ("rediss://:hunter2hunter@cache:6379/0", "hunter2hunter"),
    "libpq string": ("host=db user=autogrid password=correcthorse dbname=x", "correcthorse"),
    "bearer": ("Authorization: Bearer abc.def", "abc.def"),
    "bearer alone": ("sent bearer 0123456789abcdef", "0123456789abcdef"),
    "basic": ("{'authorization': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
    "header pair": ("[(b'authorization', b'Bearer xyzzy')]", "xyzzy"),
    "jwt": (f"refused {_JWT}", _JWT),
    "jwt in a query": (f"GET /v1/events?access={_JWT} 200", _JWT),
    "exchange key": (f"binance GET https://x/api?symbol=BTC {_EXCHANGE}", _EXCHANGE),
    "exchange header": ("{'X-MBX-APIKEY': 'shortkey'}", "shortkey"),
    "signature": ("POST /api/v3/order?side=BUY&signature=c8db56825ae71d6d&x=1", "c8db56825ae71d6d"),
    "encryption key": (f"ENCRYPTION_KEY {_KEY} does not fit", _KEY),
    "ciphertext": ("token gAAAAABmZ0123456789012345678901234567890123456789012345678901234567==", "gAAAAABmZ0123"),
    "password": ('{"email": "a@b.c", "password": "tr0ub4dor"}', "tr0ub4dor"),
    "password form": ("username=a&password=tr0ub4dor&x=1", "tr0ub4dor"),
    "password hash": ("stored $argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b", "RdescudvJCsgt3ub"),
    "own api key": ("key agk_0123456789abcdefABCDEF is revoked", "0123456789abcdefABCDEF"),
    "telegram": ("tgram://123456789:AAF0123456789abcdefghij0123456789xyz/42", "AAF0123456789"),
    "slack": ("POST https://hooks.slack.com/services/T000/B000/XXXXXXXX", "XXXXXXXX"),
    "mail target": ("mailto://user:geheim12@example.com", "geheim12"),
    "pem": ("-----BEGIN EC PRIVATE KEY-----\nMHcCAQEE\n-----END EC PRIVATE KEY-----", "MHcCAQEE"),
    "known value": ("it was zebra-crossing-9 all along", "zebra-crossing-9"),
}
NAMES = ["password", "new_password", "api_key", "apiKey", "api_secret", "secret", "jwt_secret", "refresh_token"]
NAMES += ["ENCRYPTION_KEY", "Authorization", "x-mbx-apikey", "Set-Cookie", "passphrase", "private_key", "signature"]


@pytest.fixture
def out() -> Iterator[io.StringIO]:
    stream, root = io.StringIO(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logs.configure(json=True, level="DEBUG", stream=stream)
    redact.protect("zebra-crossing-9")
    yield stream
    logs.clear()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    logging.captureWarnings(False)


@pytest.mark.parametrize("kind", SECRETS)
def test_no_way_into_a_line_leaks(out: io.StringIO, kind: str) -> None:
    text, secret = SECRETS[kind]
    log, plain = logs.get_logger(), logging.getLogger("third.party")
    log.info("field", note=text)
    log.info("nested", request={"headers": [{"value": text}], "deep": ({"more": text},)})
    log.info("object", error=ValueError(text))
    log.info("bytes", body=text.encode())
    log.info("mapping_key", data={text: 1})
    log.info(text)
    with logs.bound(where=text):
        log.info("bound")
    plain.warning("formatted %s", text)
    plain.warning("extra", extra={"payload": {"a": text}})
    for write in (log.exception, plain.exception):
        try:
            try:
                raise ValueError(text)
            except ValueError as error:
                raise RuntimeError(f"outer {text}") from error
        except RuntimeError:
            write("failed")
    lines = out.getvalue().splitlines()
    assert len(lines) == 11
    assert secret not in "\n".join(str(value) for line in lines for value in _values(json.loads(line)))
    assert out.getvalue().count("[redacted]") >= 11


def _values(item: object) -> Iterator[object]:
    if isinstance(item, dict):
        for key, value in item.items():
            yield key
            yield from _values(value)
    elif isinstance(item, list):
        for value in item:
            yield from _values(value)
    else:
        yield item


@pytest.mark.parametrize("name", NAMES)
def test_a_field_is_hidden_by_its_name(out: io.StringIO, name: str) -> None:
    logs.get_logger().info("field", **{name: "plainword"}, inner={name: ["plainword", 123456]})
    assert "plainword" not in out.getvalue()
    assert "123456" not in out.getvalue()


def test_what_is_no_secret_stays(out: io.StringIO) -> None:
    digest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    logs.get_logger().info(
        "order_placed", bot_id=7, client_order_id="a1b2c3d4e5f6a7b8c9", passport=digest, price="95.00",
        url="http://127.0.0.1:8000/v1/bots", token_type="bearer", api_key_id=3, live=True, at_ms=1700000000000,
    )  # fmt: skip
    line = json.loads(out.getvalue())
    assert line.pop("at").endswith("Z")
    assert line == {
        "event": "order_placed", "level": "info", "logger": "autogrid", "bot_id": 7, "price": "95.00",
        "client_order_id": "a1b2c3d4e5f6a7b8c9", "passport": digest, "url": "http://127.0.0.1:8000/v1/bots",
        "token_type": "bearer", "api_key_id": 3, "live": True, "at_ms": 1700000000000,
    }  # fmt: skip


def test_ids_are_bound_once_and_reach_other_libraries(out: io.StringIO) -> None:
    with logs.bound(request_id="r1", bot_id=7):
        logs.get_logger().info("mine")
        logging.getLogger("sqlalchemy").error("theirs")
    logs.get_logger().info("after")
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line.get("request_id") for line in lines] == ["r1", "r1", None]
    assert [line.get("bot_id") for line in lines] == [7, 7, None]


def test_levels_and_foreign_handlers(out: io.StringIO) -> None:
    uvicorn = logging.getLogger("uvicorn.error")
    uvicorn.addHandler(logging.StreamHandler(sys.stdout))
    uvicorn.propagate = False
    logs.configure(json=True, level="WARNING", stream=out)
    uvicorn.info("quiet")
    uvicorn.warning("loud")
    logging.getLogger("httpx").info("GET ?signature=1")
    logs.get_logger().info("quiet")
    assert [json.loads(line)["event"] for line in out.getvalue().splitlines()] == ["loud"]
    assert uvicorn.handlers == []


def test_lines_for_a_person_are_redacted_too(out: io.StringIO) -> None:
    logs.configure(json=False, stream=out)
    logs.get_logger().info("login", password="tr0ub4dor", user="ann")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("postgresql://a:geheim1@h/d is old", UserWarning, stacklevel=1)
    assert "ann" in out.getvalue()
    assert "is old" in out.getvalue()
    assert "tr0ub4dor" not in out.getvalue()
    assert "geheim1" not in out.getvalue()


def test_depth_is_bounded(out: io.StringIO) -> None:
    loop: dict[str, object] = {}
    loop["again"] = loop
    logs.get_logger().info("loop", data=loop)
    assert json.loads(out.getvalue())["event"] == "loop"
