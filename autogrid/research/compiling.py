"""Compiling with numba, cached on disk under the hash of every kernel source.

numba notices a change only in the file that holds the cached function; with helpers in other files it would
go on running stale machine code. Here the cache directory's name is the hash of all sources that can be
compiled in, so any change starts an empty cache.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba

from autogrid.core import path
from autogrid.settings import settings


def _sources() -> list[Path]:
    here = Path(__file__).parent
    return [Path(path.__file__), *sorted(here.glob("kernel*.py"))]


def _cache_dir() -> Path:
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in _sources()))
    return settings().autogrid_home / "kernels" / digest.hexdigest()[:16]


def compiled(function: Callable[..., Any]) -> Any:
    """`numba.njit` that releases the GIL and caches safely across files.

    LLVM is told to inline every kernel function into its caller: passing ten arrays by value costs more than
    most of them do.
    """
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(_cache_dir())
    try:
        return numba.njit(cache=True, nogil=True, forceinline=True)(function)
    finally:
        numba.config.CACHE_DIR = before
