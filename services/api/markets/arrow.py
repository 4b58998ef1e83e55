"""Candles as an Arrow stream: as many as there are, a block at a time."""

from collections.abc import Iterator

import pyarrow as pa
from fastapi.responses import StreamingResponse

from autogrid.store import candle_pages
from autogrid.store.coverage import Series
from services.api.deps import Database

ARROW = "application/vnd.apache.arrow.stream"
_BLOCK = 20_000
_NAMES = ("open", "high", "low", "close", "volume")
_SCHEMA = pa.schema([("ts", pa.timestamp("ms", "UTC")), *((name, pa.float64()) for name in _NAMES)])


def stream(db: Database, source: Series, timeframe_s: int, start: int, end: int) -> StreamingResponse:
    """All candles of [start, end) ms."""
    return StreamingResponse(_blocks(db, source, timeframe_s, start, end), media_type=ARROW)


def _blocks(db: Database, source: Series, timeframe_s: int, start: int, end: int) -> Iterator[bytes]:
    sink = _Sink()
    with pa.ipc.new_stream(sink, _SCHEMA) as writer:
        following: int | None = start
        while following is not None:
            with db.begin() as connection:
                rows, following = candle_pages.page(connection, source, timeframe_s, following, end, _BLOCK)
            if not rows:
                continue
            columns = list(zip(*rows, strict=True))
            batch = pa.record_batch([pa.array(column) for column in columns], names=["ts", *_NAMES])
            writer.write_batch(batch.cast(_SCHEMA))
            yield sink.take()
    yield sink.take()


class _Sink:
    """Where the writer puts its bytes until they are sent."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing to flush."""

    def close(self) -> None:
        """Nothing to close."""

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
