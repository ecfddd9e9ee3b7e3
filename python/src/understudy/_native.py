"""The library behind the package: loaded once, its functions' signatures read from itself.

`_understudy.so` (native/flat.h in the sources) has functions on numbers, strings, arrays and
handles alone, and tells their C prototypes as text. From these come ctypes' argument types here, so
that the two sides cannot differ; no struct is laid out in Python.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import threading
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

PACKAGE = Path(__file__).resolve().parent
DATA = PACKAGE / "data"

#: A step, a reset with and without a seed: udy_move of the library's sim.h.
MOVE_NONE, MOVE_STEP, MOVE_RESET, MOVE_RESEED = range(4)


# ------------------------------------------- Errors ----------------------------------------------


class UnderstudyError(Exception):
    """What went wrong, in the library's words.

    Errors are also what Python calls such a thing: `FileNotFoundError`, `FileExistsError`,
    `PermissionError`, `OSError`, `MemoryError`, `ValueError`.
    """

    #: The library's name for it, such as "UDY_EMISMATCH".
    code: str

    def __init__(self, message: str, code: str) -> None:
        Exception.__init__(self, message)
        self.code = code

    def __str__(self) -> str:
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.args[0], self.code)


class InvalidError(UnderstudyError, ValueError):
    """An argument, a file or a number that is not what it should be."""


class NotFoundError(UnderstudyError, FileNotFoundError):
    """No such file or name."""


class ExistsError(UnderstudyError, FileExistsError):
    """It exists already."""


class DeniedError(UnderstudyError, PermissionError):
    """Permission denied."""


class InputOutputError(UnderstudyError, OSError):
    """Reading or writing failed, or the disk is full."""


class NoMemoryError(UnderstudyError, MemoryError):
    """Out of memory."""


class Interrupted(UnderstudyError):
    """A callback asked to stop."""


_KINDS: Mapping[str, type[UnderstudyError]] = {
    "UDY_EINVAL": InvalidError,
    "UDY_EFORMAT": InvalidError,
    "UDY_EMISMATCH": InvalidError,
    "UDY_ENONFINITE": InvalidError,
    "UDY_EUNSUPPORTED": InvalidError,
    "UDY_ENOENT": NotFoundError,
    "UDY_EEXIST": ExistsError,
    "UDY_EPERM": DeniedError,
    "UDY_EIO": InputOutputError,
    "UDY_ENOSPC": InputOutputError,
    "UDY_ENOMEM": NoMemoryError,
    "UDY_EINTERRUPTED": Interrupted,
}


# ------------------------------------------- Signatures ------------------------------------------


class _Text:
    """str, bytes or a path as `const char *`."""

    def __init__(self, nullable: bool) -> None:
        self.nullable = nullable

    def from_param(self, value: object) -> ctypes.c_char_p:
        if value is None and self.nullable:
            return ctypes.c_char_p(None)
        if not isinstance(value, (str, os.PathLike)):
            raise TypeError(f"expected text or a path, not {type(value).__name__}")
        text = os.fsencode(value)
        if b"\0" in text:
            raise ValueError(f"{value!r} has a null character in it")
        return ctypes.c_char_p(text)


class _Handle:
    """What the library made, as `void *`."""

    def __init__(self, nullable: bool) -> None:
        self.nullable = nullable

    def from_param(self, value: object) -> ctypes.c_void_p:
        if value is None and self.nullable:
            return ctypes.c_void_p(None)
        if not isinstance(value, Handle):
            raise TypeError(f"expected a handle, not {type(value).__name__}")
        if not value.address:
            raise ValueError("it was closed before")
        return ctypes.c_void_p(value.address)


class _Array:
    """A C-contiguous NumPy array of one type, as a pointer to its numbers."""

    def __init__(self, dtype: type, writes: bool, nullable: bool) -> None:
        self.dtype, self.writes, self.nullable = np.dtype(dtype), writes, nullable

    def from_param(self, value: object) -> ctypes.c_void_p:
        if value is None and self.nullable:
            return ctypes.c_void_p(None)
        if (
            not isinstance(value, np.ndarray)
            or value.dtype != self.dtype
            or not value.flags.c_contiguous
            or (self.writes and not value.flags.writeable)
        ):
            raise TypeError(f"expected a contiguous array of {self.dtype}")
        return ctypes.c_void_p(value.ctypes.data)


_NUMBERS: Mapping[str, Any] = {
    "int": ctypes.c_int,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "double": ctypes.c_double,
}
_DTYPES: Mapping[str, type] = {
    "double": np.float64,
    "float": np.float32,
    "uint8_t": np.uint8,
    "int64_t": np.int64,
    "uint64_t": np.uint64,
}


_Converter = _Text | _Handle | _Array


def _argument(declaration: str, callback: Any) -> Any:
    """What becomes of one argument as C declares it, "const double *obs": ours, or ctypes' type."""
    found = re.fullmatch(r"(.*?)(\w+)", declaration.strip())
    assert found, declaration
    kind, name = found[1].strip(), found[2]
    nullable = name.endswith("_or_null")
    if kind in _NUMBERS:
        return _NUMBERS[kind]
    if kind == "udypy_progress":
        return callback
    if kind in ("void **", "char **"):
        return ctypes.POINTER(ctypes.c_void_p)
    if kind == "const char *":
        return _Text(nullable)
    if kind in ("void *", "const void *"):
        # udypy_free's text is the one pointer that is no handle.
        return ctypes.c_void_p if name == "text" else _Handle(nullable)
    element = kind.removeprefix("const ").removesuffix(" *")
    if element in _DTYPES and kind.endswith("*"):
        return _Array(_DTYPES[element], not kind.startswith("const "), nullable)
    raise ImportError(f"understudy: its library declares {declaration!r}, which is not known here")


@dataclass(frozen=True)
class _Function:
    """A function of the library. converters: of its arguments; None: ctypes' own."""

    function: Any
    converters: list[_Converter | None]
    result: str

    def __call__(self, *arguments: Any) -> Any:
        pairs = zip(self.converters, arguments, strict=True)
        return self.function(*(a if c is None else c.from_param(a) for c, a in pairs))


def _ctype(argument: Any) -> Any:
    if isinstance(argument, _Text):
        return ctypes.c_char_p
    return ctypes.c_void_p if isinstance(argument, _Converter) else argument


def _bind(library: ctypes.CDLL) -> tuple[dict[str, _Function], Any]:
    """Every function with its types, and the type of progress callbacks."""
    table = (ctypes.c_char_p * 1).in_dll(library, "udypy_signatures")
    lines = ctypes.cast(table, ctypes.POINTER(ctypes.c_char_p))
    callback: Any = None
    functions: dict[str, _Function] = {}
    for i in range(1 << 12):
        line = lines[i]
        if line is None:
            break
        found = re.fullmatch(r"(.*?)\s*(\w+) \((.*)\)", line.decode())
        assert found, line
        result, name = found[1], found[2]
        declared = [] if found[3] == "void" else found[3].split(",")
        if name == "progress":
            kinds = [k.strip().rsplit(" ", 1)[0] for k in declared]
            plain = [ctypes.c_char_p if k == "const char" else _NUMBERS[k] for k in kinds]
            callback = ctypes.CFUNCTYPE(_NUMBERS[result], *plain)
            continue
        function = getattr(library, "udypy_" + name)
        given = [_argument(d, callback) for d in declared]
        function.argtypes = [_ctype(a) for a in given]
        if result == "void":
            function.restype = None
        elif result == "const char *":
            function.restype = ctypes.c_char_p
        elif result == "char *":
            function.restype = ctypes.c_void_p
        else:
            function.restype = _NUMBERS[result]
        converters = [a if isinstance(a, _Converter) else None for a in given]
        functions[name] = _Function(function, converters, result)
    return functions, callback


def _load() -> ctypes.CDLL:
    path = PACKAGE / "_understudy.so"
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise ImportError(f"understudy: its library cannot be loaded: {error}") from error


_functions, _progress_type = _bind(_load())


# ------------------------------------------- Calls -----------------------------------------------


def call(name: str, *arguments: Any) -> Any:
    """Call a function of the library. A negative status becomes an exception, a text a str."""
    function = _functions[name]
    value, result = function(*arguments), function.result
    if result == "int" and value < 0:
        raise_last(value)
    if result == "char *":
        if value is None:
            raise_last(-2)
        return take_text(value)
    if result == "const char *":
        return None if value is None else value.decode()
    return value


def raise_last(status: int) -> None:
    """Raise the error that the library told last on this thread."""
    name = _functions["status_name"](status).decode()
    words = _functions["error"]().decode(errors="replace")
    raise _KINDS.get(name, UnderstudyError)(words, name)


def take_text(address: int) -> str:
    """A text that the library made for us."""
    text = ctypes.string_at(address).decode(errors="replace")
    _functions["free"](address)
    return text


class Handle:
    """Something that the library made, destroyed with the last reference to it.

    keeps: what it needs while it lives.
    """

    def __init__(self, address: int, destroy: str, keeps: object = None) -> None:
        self.address = address
        self._keeps = keeps
        self._finalizer = weakref.finalize(self, _functions[destroy], _Raw(address))
        self._finalizer.atexit = False

    def close(self) -> None:
        """Destroy it now."""
        self._finalizer()
        self.address = 0


class _Raw(Handle):
    """An address for a destructor, which must not hold on to its handle."""

    def __init__(self, address: int) -> None:
        self.address = address


def make(name: str, destroy: str, *arguments: Any, keeps: object = None) -> Handle:
    """Call a function whose first argument is the handle that it makes."""
    out = ctypes.c_void_p()
    call(name, ctypes.byref(out), *arguments)
    assert out.value
    return Handle(out.value, destroy, keeps)


def make_text(name: str, *arguments: Any) -> str:
    """Call a function whose first argument is the text that it makes."""
    out = ctypes.c_void_p()
    call(name, ctypes.byref(out), *arguments)
    assert out.value
    return take_text(out.value)


def settings_text(settings: Mapping[str, object]) -> str:
    """Settings as the library reads them, "key=value" a line."""
    lines = []
    for key, value in settings.items():
        if isinstance(value, os.PathLike):
            value = os.fspath(value)
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if isinstance(value, bool):
            text = "true" if value else "false"
        elif isinstance(value, (int, float)):
            text = repr(value)
        elif isinstance(value, (list, tuple)):
            numbers = [v.item() if isinstance(v, np.generic) else v for v in value]
            text = f"[{', '.join(repr(v) for v in numbers)}]"
        elif isinstance(value, str):
            text = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        else:
            raise TypeError(f"{key}: {value!r} is no number, truth value, text or list of numbers")
        if "\n" in key + text or "=" in key:
            raise ValueError(f"{key}: {value!r} has a line break or '=' in it")
        lines.append(f"{key}={text}")
    return "\n".join(lines)


# ------------------------------------------- Progress --------------------------------------------


@dataclass(frozen=True)
class Progress:
    """How far long work is."""

    stage: str  #: such as "bc" or "DAgger 3/10: collect"
    done: int
    total: int
    unit: str  #: of done and total: "updates", "episodes"
    note: str  #: such as "epoch 3/100, loss 0.0123"


#: Called a few times a second while the library works; returning True asks it to stop.
Callback = Callable[[Progress], object]


class Watch:
    """The library's work under the eyes of a callback and of Ctrl-C.

    Ctrl-C asks the library to stop where it can save what it has, and then does what it does
    elsewhere: KeyboardInterrupt. (Python's own handler would raise inside the callback, from where
    no exception can leave.) An exception of the callback's stops the work and comes out of it.
    """

    def __init__(self, callback: Callback | None) -> None:
        self._callback = callback
        self._caught: BaseException | None = None
        self._interrupted = False
        self._before: Any = None
        self.progress = _progress_type(self._tell)

    def _tell(self, stage: bytes, done: int, total: int, unit: bytes, note: bytes) -> int:
        if self._interrupted:
            return 1
        if self._callback is None:
            return 0
        try:
            told = Progress(stage.decode(), done, total, unit.decode(), note.decode())
            stop = self._callback(told) is True
            return 1 if stop or self._interrupted else 0  # Ctrl-C may come during the callback
        except BaseException as error:  # noqa: BLE001  it is raised again in __exit__
            self._caught = error
            return 1

    def _interrupt(self, signum: int, frame: object) -> None:
        self._interrupted = True

    def __enter__(self) -> Any:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if callable(before):
                self._before = before
                signal.signal(signal.SIGINT, self._interrupt)
        return self.progress

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
        if self._caught is not None:
            raise self._caught from None
        if self._interrupted and (value is None or isinstance(value, Interrupted)):
            self._before(signal.SIGINT, None)


__version__ = str(call("version"))
mujoco_version = str(call("mujoco"))
