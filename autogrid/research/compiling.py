"""Compiling with numba, cached on disk under the hash of every kernel source.

numba notices a change only in the file that holds the cached function; with helpers in other files it would
go on running stale machine code. Here the cache directory's name is the hash of all sources that can be
compiled in and of what they are compiled by and for, so any change starts an empty cache. The directory is the
user's, not the data directory's: a fresh AUTOGRID_HOME does not compile anew.
"""

import hashlib
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba

from autogrid.core import path
from autogrid.settings import settings


def _sources() -> list[Path]:
    here = Path(__file__).parent
    return [Path(__file__), Path(path.__file__), *sorted(here.glob("kernel*.py"))]


def _fingerprint() -> str:
    """Changes with the sources, the compiler and the processor."""
    machine = (sys.version, numba.__version__, llvmlite.__version__, llvmlite.binding.get_host_cpu_name())
    digest = hashlib.sha256(repr(machine).encode())
    digest.update(llvmlite.binding.get_host_cpu_features().flatten().encode())
    for source in _sources():
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


@lru_cache(maxsize=1)
def cache_dir() -> Path | None:
    """Where compiled code is kept, made if absent; None where nothing can be written: then every process compiles."""
    folder = settings().autogrid_cache.expanduser() / "kernels" / _fingerprint()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def compiled(function: Callable[..., Any], allocates: bool = False) -> Any:
    """`numba.njit` that releases the GIL and caches safely across files.

    Kernel functions are inlined by LLVM and do without reference counts unless they allocate arrays: counting
    ten arrays in and out of each small function costs several times what the functions do.
    """
    before, folder = numba.config.CACHE_DIR, cache_dir()
    numba.config.CACHE_DIR = str(folder or before)
    keep = folder is not None
    try:
        return numba.njit(cache=keep, nogil=True, forceinline=not allocates, _nrt=allocates)(function)
    finally:
        numba.config.CACHE_DIR = before


def compiled_allocating(function: Callable[..., Any]) -> Any:
    """`compiled` for a function that makes arrays."""
    return compiled(function, allocates=True)
