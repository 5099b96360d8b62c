"""Which names a piece of Python uses, and where a module's own names come from: read from the text, nothing is run."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

Chain = tuple[str, ...]
"""A name with the attributes taken of it: `("module", "function")`."""

Import = tuple[str, Chain, int]
"""A module, what is taken of it, and how many packages upwards it is looked for."""

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_DYNAMIC = frozenset({"getattr", "globals", "vars", "eval", "exec", "__import__", "import_module"})


@dataclass
class Names:
    """What a text uses that it does not define itself."""

    chains: dict[Chain, None] = field(default_factory=dict)
    """Names of the surrounding module, in the order of the text."""
    imports: dict[Import, None] = field(default_factory=dict)
    """What is used of modules that are imported inside of it."""
    dynamic: dict[str, None] = field(default_factory=dict)
    """Calls of something that only a run can tell, as text."""


def names_used(tree: ast.AST) -> Names:
    """The names that a statement or an expression uses, those of functions and classes inside of it as well."""
    names = Names()
    _Scopes(names, _aliases_in(tree)).walk(tree, frozenset(), frozenset())
    return names


class _Scopes:
    """Walks a tree and keeps apart what is local to it. A name counts as local in all of a function that binds it."""

    def __init__(self, names: Names, aliases: dict[str, Import]) -> None:
        self._names = names
        self._aliases = aliases

    def walk(self, node: ast.AST, local: frozenset[str], parameters: frozenset[str]) -> None:
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef, *_COMPREHENSIONS)):
            self._walk_scope(node, local, parameters)
            return
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._names.imports[(alias.name, (), 0)] = None
        chain = _chain_of(node)
        if chain is not None:
            if chain[0] not in local:
                self._names.chains[chain] = None
            elif chain[0] in self._aliases:
                module, attributes, level = self._aliases[chain[0]]
                self._names.imports[(module, (*attributes, *chain[1:]), level)] = None
            return
        if isinstance(node, ast.Call):
            self._look_at_call(node, local, parameters)
        for child in ast.iter_child_nodes(node):
            self.walk(child, local, parameters)

    def _walk_scope(self, node: ast.AST, local: frozenset[str], parameters: frozenset[str]) -> None:
        if isinstance(node, _FUNCTIONS):
            own_parameters = frozenset(argument.arg for argument in _arguments(node.args))
            bound = own_parameters | _bound_in(node)
            inner = (local | bound) - _declared_global(node)
            outside: list[ast.AST] = [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]
            outside += [one.annotation for one in _arguments(node.args) if one.annotation is not None]
            body: list[ast.AST]
            if isinstance(node, ast.Lambda):
                body = [node.body]
            else:
                outside += [*node.decorator_list, *([node.returns] if node.returns else [])]
                body = list(node.body)
            for child in outside:
                self.walk(child, local, parameters)
            for child in body:
                self.walk(child, inner, (parameters - bound) | own_parameters)
            return
        inner = local
        if isinstance(node, _COMPREHENSIONS):
            inner = local | _bound_in(node)
        elif isinstance(node, ast.ClassDef):
            # Names of a class body are not seen by its methods, but by the rest of the body: near enough.
            inner = local | {node.name}
        for child in ast.iter_child_nodes(node):
            self.walk(child, inner, parameters)

    def _look_at_call(self, node: ast.Call, local: frozenset[str], parameters: frozenset[str]) -> None:
        chain = _chain_of(node.func)
        if chain is None:
            is_dynamic = isinstance(node.func, (ast.Subscript, ast.Call))
        elif chain[0] in local:
            is_dynamic = len(chain) == 1 and chain[0] in parameters
        else:
            is_dynamic = chain[-1] in _DYNAMIC
        if is_dynamic:
            self._names.dynamic[ast.unparse(node)] = None


def _aliases_in(tree: ast.AST) -> dict[str, Import]:
    """What the names stand for that imports inside of a text bind."""
    found: dict[str, Import] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = (
                    (alias.name, (), 0) if alias.asname else (alias.name.partition(".")[0], (), 0)
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = (node.module or "", (alias.name,), node.level)
    return found


def _chain_of(node: ast.AST) -> Chain | None:
    """`a.b.c` as a chain, also where it is written as `getattr(a.b, "c")`; None for anything else."""
    attributes: list[str] = []
    while isinstance(node, (ast.Attribute, ast.Call)):
        if isinstance(node, ast.Attribute):
            attributes.append(node.attr)
            node = node.value
            continue
        match node:
            case ast.Call(func=ast.Name(id="getattr"), args=[of, ast.Constant(value=str(name)), *_]):
                attributes.append(name)
                node = of
            case _:
                return None
    if not isinstance(node, ast.Name) or isinstance(node.ctx, ast.Store):
        return None
    return (node.id, *reversed(attributes))


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    variadic = [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *variadic]


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a scope, without those of scopes inside of it but with these themselves."""
    stack = list(ast.iter_child_nodes(scope))
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            stack.extend(ast.iter_child_nodes(node))


def _bound_in(scope: ast.AST) -> set[str]:
    bound: set[str] = set()
    for node in _own_nodes(scope):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            bound.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            bound.add(node.rest)
    return bound


def _declared_global(scope: ast.AST) -> set[str]:
    return {name for node in _own_nodes(scope) if isinstance(node, ast.Global) for name in node.names}


@dataclass
class ModuleText:
    """The statements at the top level of a module, by the names that they bind."""

    bindings: dict[str, list[tuple[str, ast.stmt]]]
    """Assignments and definitions, as text and parsed, with those inside of `if`, `try` and `with`."""
    imported: dict[str, Import]
    """What the names stand for that `from ... import` binds."""


def read_module_text(text: str) -> ModuleText:
    """What a module binds at its top level. Raises `SyntaxError`."""
    found = ModuleText({}, {})
    stack: list[ast.stmt] = list(reversed(ast.parse(text).body))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.ImportFrom):
            found.imported.update(_aliases_in(node))
        elif isinstance(node, (ast.If, ast.Try, ast.With)):
            blocks = [getattr(node, part, []) for part in ("body", "orelse", "finalbody")]
            blocks += [handler.body for handler in getattr(node, "handlers", [])]
            stack.extend(reversed([statement for block in blocks for statement in block]))
        else:
            for name in _names_bound(node):
                found.bindings.setdefault(name, []).append((ast.get_source_segment(text, node) or "", node))
    return found


def _names_bound(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _stored(target)
    elif isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        yield from _stored(node.target)


def _stored(target: ast.AST) -> Iterator[str]:
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, (ast.Tuple, ast.List)):
        for item in target.elts:
            yield from _stored(item)
    elif isinstance(target, (ast.Subscript, ast.Attribute, ast.Starred)):
        # `TABLE["a"] = 1` adds to what TABLE stands for.
        yield from _stored(target.value)
