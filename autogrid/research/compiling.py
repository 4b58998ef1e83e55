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
    return [Path(__file__), Path(path.__file__), *sorted(here.glob("kernel*.py"))]


def _cache_dir() -> Path:
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in _sources()))
    return settings().autogrid_home / "kernels" / digest.hexdigest()[:16]


def compiled(function: Callable[..., Any], allocates: bool = False) -> Any:
    """`numba.njit` that releases the GIL and caches safely across files.

    Kernel functions are inlined by LLVM and do without reference counts unless they allocate arrays: counting
    ten arrays in and out of each small function costs several times what the functions do.
    """
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(_cache_dir())
    try:
        return numba.njit(cache=True, nogil=True, forceinline=not allocates, _nrt=allocates)(function)
    finally:
        numba.config.CACHE_DIR = before


def compiled_allocating(function: Callable[..., Any]) -> Any:
    """`compiled` for a function that makes arrays."""
    return compiled(function, allocates=True)
