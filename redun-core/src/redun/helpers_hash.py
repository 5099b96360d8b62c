"""The plain functions that a task depends on, for the option `hash_helpers`.

From the text of a task the names that it uses are followed to functions, classes and constants of the user's own
modules, and from those on. What counts:

- functions and classes with their whole text, decorators included, and what they name in turn; behind `__wrapped__`
  the function that was decorated; the values of closures;
- names that a module binds to anything else (constants, tables, partial functions, instances) with the text of the
  statements that bind them, not with the value, so that what a run puts into a table changes nothing;
- methods with the class that is named, in annotations as well.

Tasks are not followed: calls of them have hashes of their own. The standard library, installed packages and redun do
not count. What only a run can tell is listed in `Helpers.not_followed`.
"""

from __future__ import annotations

import ast
import builtins
import functools
import inspect
import sys
import textwrap
from collections import deque
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakKeyDictionary

from redun.base_task import Task
from redun.errors import InvalidValueError
from redun.hashing import hash_parts
from redun.names_used import Chain, Import, ModuleText, Names, names_used, read_module_text
from redun.own_modules import import_own, is_foreign, is_own, is_own_module, is_unfinished
from redun.source import get_func_source
from redun.value import hash_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


_HEX_DIGITS = 12


@dataclass
class Helpers:
    """What a task depends on beside its own text and the tasks that it calls."""

    hash: bytes
    """What a change of any of it changes; empty where there is nothing."""
    found: list[str]
    """The functions, classes and names, as `module.name`, in the order in which they were found."""
    not_followed: list[str]
    """What could not be followed, as text."""
    is_final: bool
    """False while a module is still being imported, so that some names may be missing."""
    bindings: tuple[Binding, ...] = ()
    """What the names that were followed meant."""
    hashes: dict[str, str] = field(default_factory=dict)
    """Of each that was found, by its name without the module, the beginning of a hash of its text, in hex."""


class Binding(NamedTuple):
    """What a name meant when it was followed."""

    scope: Mapping[str, Any]
    name: str
    meant: Any

    @property
    def holds(self) -> bool:
        """Whether the name means the same thing today."""
        return _meaning(self.scope.get(self.name, _NOTHING)) is self.meant


_NOTHING = object()
_DATA = object()


def _meaning(value: Any) -> Any:
    # Data count by the statements that bind them, whatever a run puts there; and they may be large.
    is_code = value is _NOTHING or callable(value) or isinstance(value, (ModuleType, ModuleSpec))
    return value if is_code else _DATA


@dataclass
class _Piece:
    """One function, class or group of statements."""

    label: str
    text: str
    names: Names
    scope: Mapping[str, Any]
    closure: Mapping[str, Any]
    module: ModuleType | None
    edges: list[str] = field(default_factory=list)


def find_helpers(functions: tuple[Callable[..., Any], ...]) -> Helpers:
    """What some functions depend on. Their own text is left out: it is in the hash of the task already."""
    search = _Search()
    for function in functions:
        search.add_root(function)
    search.follow_all()
    pieces = search.pieces[search.roots :]
    content = [part.encode("utf-8", "surrogatepass") for piece in search.pieces for part in _parts(piece)]
    return Helpers(
        hash=hash_parts("task", content) if any(piece.edges for piece in search.pieces) else b"",
        found=list(dict.fromkeys(piece.label for piece in pieces)),
        not_followed=list(search.not_followed),
        is_final=not search.saw_unfinished,
        bindings=tuple(search.bindings.values()),
        hashes=_text_hashes(pieces),
    )


def _text_hashes(pieces: list[_Piece]) -> dict[str, str]:
    texts: dict[str, list[bytes]] = {}
    for piece in pieces:
        texts.setdefault(piece.label.rpartition(".")[2], []).append(piece.text.encode("utf-8", "surrogatepass"))
    return {name: hash_parts("task", parts).hex()[:_HEX_DIGITS] for name, parts in texts.items()}


def _parts(piece: _Piece) -> tuple[str, ...]:
    # The name alone: a function that is moved to another module does the same.
    return piece.label.rpartition(".")[2], piece.text, *piece.edges


_MODULE_NAMES = frozenset({"__file__", "__name__", "__doc__", "__spec__", "__package__", "__class__"})


class _Search:
    """Follows names from piece to piece, each piece once, in the order of the text."""

    def __init__(self) -> None:
        self.pieces: list[_Piece] = []
        self.roots = 0
        self.not_followed: dict[str, None] = {}
        self.saw_unfinished = False
        self.bindings: dict[tuple[int, str], Binding] = {}
        self._index: dict[Any, int] = {}
        self._waiting: deque[int] = deque()
        self._held: list[Any] = []

    def add_root(self, function: Callable[..., Any]) -> None:
        """Begin at the function of a task."""
        for layer in _layers(function):
            if isinstance(layer, FunctionType):
                names = _names_of(get_func_source(layer)) if layer.__code__ is _innermost(function) else None
                self._add(layer, _function_piece(layer, "", names))
                self.roots += 1

    def follow_all(self) -> None:
        """Follow everything that was found, until nothing new comes up."""
        while self._waiting:
            self._follow(self.pieces[self._waiting.popleft()])

    def _add(self, key: Any, piece: _Piece) -> int:
        # Held, because objects are told apart by identity.
        self._held.append(key)
        index = self._index[_identity(key)] = len(self.pieces)
        self.pieces.append(piece)
        self._waiting.append(index)
        if piece.module is not None and is_unfinished(piece.module):
            self.saw_unfinished = True
        return index

    def _follow(self, piece: _Piece) -> None:
        for text in piece.names.dynamic:
            self.not_followed[f"{piece.label}: {text}"] = None
        for chain in piece.names.chains:
            name = chain[0]
            if name in piece.closure:
                self._link(piece, chain, self._targets(piece.closure[name], chain[1:], None, name))
                continue
            self._bind(piece.scope, name)
            if name in piece.scope:
                self._link(piece, chain, self._targets(piece.scope[name], chain[1:], piece.module, name))
            elif not hasattr(builtins, name) and name not in _MODULE_NAMES:
                self.not_followed[f"{piece.label}: {'.'.join(chain)} (nothing of that name is there)"] = None
        for imported in piece.names.imports:
            self._follow_import(piece, imported)

    def _bind(self, scope: Mapping[str, Any], name: str) -> None:
        if (id(scope), name) not in self.bindings:
            self.bindings[id(scope), name] = Binding(scope, name, _meaning(scope.get(name, _NOTHING)))

    def _follow_import(self, piece: _Piece, imported: Import) -> None:
        module_name, attributes, level = imported
        module = import_own(module_name, level, piece.module)
        if module is not None and attributes:
            self._bind(sys.modules, module.__name__)
            self._link(piece, (module_name, *attributes), self._targets(module, attributes, None, module_name))

    def _link(self, piece: _Piece, chain: Chain, targets: Iterator[int | str]) -> None:
        piece.edges += [f"{'.'.join(chain)}={target}" for target in targets]

    def _targets(self, value: Any, attributes: Chain, module: ModuleType | None, name: str) -> Iterator[int | str]:
        """The pieces that a value stands for. `module` binds it to `name`; None, where a closure holds it."""
        for attribute in attributes:
            if not isinstance(value, ModuleType):
                break
            if not is_own_module(value):
                return
            module, name = value, attribute
            self._bind(vars(module), name)
            try:
                value = getattr(value, attribute)
            except AttributeError:
                self.saw_unfinished = self.saw_unfinished or is_unfinished(module)
                self.not_followed[f"{module.__name__}.{attribute} (nothing of that name is there)"] = None
                return
        if isinstance(value, (ModuleType, Task)):
            return
        found = False
        for layer in _layers(value):
            index = self._piece_of(layer)
            if index is not None:
                found = True
                yield index
        is_definition = getattr(value, "__qualname__", None) == name
        if module is None:
            if not found:
                yield from self._held_value(value, name)
        elif not (found and is_definition) and not is_foreign(value):
            yield from self._bound_in(module, name, is_needed=not found)

    def _piece_of(self, value: Any) -> int | None:
        if not isinstance(value, (FunctionType, type)) or not is_own(value):
            return None
        index = self._index.get(_identity(value))
        if index is not None:
            return index
        if isinstance(value, type):
            piece = _class_piece(value)
        else:
            # A lambda has no text of its own, but the statement that binds it has.
            piece = None if value.__name__ == "<lambda>" else _function_piece(value, _text_of(value.__code__))
        return None if piece is None else self._add(value, piece)

    def _held_value(self, value: Any, name: str) -> Iterator[str]:
        if callable(value) and is_foreign(value):
            return
        try:
            yield hash_value(value).hex()
        except InvalidValueError:
            self.not_followed[f"{name}, a {type(value).__name__} in a closure"] = None

    def _bound_in(self, module: ModuleType, name: str, is_needed: bool) -> Iterator[int]:
        """The piece for the statements by which a module binds a name, its own or one that it imports."""
        seen: set[tuple[str, str]] = set()
        while is_own_module(module) and (module.__name__, name) not in seen:
            seen.add((module.__name__, name))
            text = _module_text(module)
            self._bind(vars(module), "__spec__")
            if name in text.bindings:
                key = (module.__name__, name)
                yield self._index[key] if key in self._index else self._add(key, _statements(module, name, text))
                return
            if name not in text.imported:
                if is_needed:
                    self.not_followed[f"{module.__name__}.{name} (no statement of the module binds it)"] = None
                return
            source, attributes, level = text.imported[name]
            found = import_own(source, level, module)
            if found is None:
                return
            module, name = found, attributes[0]


# -- pieces -----------------------------------------------------------------------------------------------------------


def _function_piece(function: FunctionType, text: str, names: Names | None = None) -> _Piece:
    code = function.__code__
    closure = {}
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        try:
            closure[name] = cell.cell_contents
        except ValueError:  # not bound yet
            continue
    module = sys.modules.get(function.__module__)
    if module is not None and module.__dict__ is not function.__globals__:
        module = None
    if names is None:
        names = _names_of(text or _text_of(code)) or _compiled_names(code)
    return _Piece(f"{function.__module__}.{function.__qualname__}", text, names, function.__globals__, closure, module)


def _class_piece(cls: type) -> _Piece | None:
    try:
        text = textwrap.dedent(inspect.getsource(cls))
    except (OSError, TypeError):
        return None
    module = sys.modules.get(cls.__module__)
    scope = module.__dict__ if module is not None else {}
    return _Piece(f"{cls.__module__}.{cls.__qualname__}", text, _names_of(text) or Names(), scope, {}, module)


def _statements(module: ModuleType, name: str, text: ModuleText) -> _Piece:
    names = Names()
    for _, node in text.bindings[name]:
        one = names_used(node)
        names.chains |= one.chains
        names.imports |= one.imports
        names.dynamic |= one.dynamic
    names.chains.pop((name,), None)
    joined = "\n".join(segment for segment, _ in text.bindings[name])
    return _Piece(f"{module.__name__}.{name}", joined, names, module.__dict__, {}, module)


def _text_of(code: Any) -> str:
    """The text of a function with its decorators; nothing where there is none."""
    try:
        return textwrap.dedent(inspect.getsource(code))
    except (OSError, TypeError):
        return ""


@functools.lru_cache(maxsize=4096)
def _names_of(text: str) -> Names | None:
    if not text.strip():
        return None
    try:
        return names_used(ast.parse(text))
    except SyntaxError:  # a lambda in the middle of something, or no source
        return None


def _compiled_names(code: Any) -> Names:
    """The global names of compiled code, where there is no text to read."""
    names = Names()
    stack = [code]
    while stack:
        one = stack.pop()
        names.chains.update({(name,): None for name in (*one.co_names, *one.co_freevars)})
        stack += [constant for constant in one.co_consts if hasattr(constant, "co_names")]
    return names


_texts: WeakKeyDictionary[ModuleType, tuple[Any, ModuleText]] = WeakKeyDictionary()


def _module_text(module: ModuleType) -> ModuleText:
    spec = getattr(module, "__spec__", None)
    known = _texts.get(module)
    if known is not None and known[0] is spec:  # a module that is loaded again has another one
        return known[1]
    try:
        found = read_module_text(inspect.getsource(module))
    except (OSError, TypeError, SyntaxError):
        found = ModuleText({}, {})
    _texts[module] = (spec, found)
    return found


def _identity(key: Any) -> Any:
    return key if isinstance(key, tuple) else id(key)


def _layers(value: Any) -> list[Any]:
    """A thing, and what it says that it wraps, from the outside in."""
    layers = [value]
    while len(layers) < 100:
        current = layers[-1]
        if isinstance(current, functools.partial):
            layers.append(current.func)
        elif isinstance(current, (FunctionType, functools.partial)) or callable(current):
            inner = inspect.getattr_static(current, "__wrapped__", None)
            inner = getattr(current, "__func__", None) if inner is None and inspect.ismethod(current) else inner
            if inner is None or any(inner is layer for layer in layers):
                break
            layers.append(inner)
        else:
            break
    return layers


def _innermost(function: Callable[..., Any]) -> Any:
    return getattr(_layers(function)[-1], "__code__", None)
