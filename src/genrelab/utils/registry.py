"""Registries: a configuration names a `kind`, `build(kind, params)` makes the object.

There is no import path in a configuration, because configurations travel inside checkpoints and
loading a stranger's checkpoint must not run a stranger's code. Users add kinds with the decorator,
in a module named by `plugins=[their.module]`.

Each package owns its registry, in a module `registry` that imports nothing heavy: a registry imports the modules that
register its kinds (and with them torch, say) at the first look-up.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
import typing
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, TypeVar

from genrelab.utils.errors import ConfigError, suggest

T = TypeVar("T", bound=Callable[..., Any])


class Registry:
    """The kinds of one noun (model, loss, ...), each a class or function built from plain parameters.

    Args:
        noun: what it holds, as in the configuration ("model").
        modules: whose import registers the built-in kinds; of a package, all its modules: a new kind is one file.
    """

    def __init__(self, noun: str, *modules: str) -> None:
        self.noun = noun
        self._modules = modules
        self._kinds: dict[str, Callable[..., Any]] = {}
        self._marks: dict[str, frozenset[str]] = {}
        self._loaded = False

    def register(self, kind: str, *marks: str) -> Callable[[T], T]:
        """Decorator that adds a class or function under the name `kind`.

        Args:
            kind: the name.
            marks: what the configuration's check must know of it, see `marked`.

        Raises:
            ValueError: `kind` is taken, or the signature has `**kwargs` (which would hide typing errors).
        """

        def add(target: T) -> T:
            if kind in self._kinds and self._kinds[kind] is not target:
                raise ValueError(f"{self.noun} kind {kind!r} is registered twice")
            if any(p.kind is p.VAR_KEYWORD for p in inspect.signature(target).parameters.values()):
                raise ValueError(f"{self.noun} {kind!r}: **kwargs would let a misspelt parameter pass")
            self._kinds[kind] = target
            self._marks[kind] = frozenset(marks)
            return target

        return add

    def kinds(self) -> tuple[str, ...]:
        """All registered kinds, sorted."""
        self._load()
        return tuple(sorted(self._kinds))

    def marked(self, kind: str, mark: str) -> bool:
        """Whether `kind` was registered with `mark`."""
        self._load()
        return mark in self._marks.get(kind, ())

    def get(self, kind: str) -> Callable[..., Any]:
        """The class or function behind `kind`.

        Raises:
            ConfigError: no such kind; the message suggests the nearest.
        """
        self._load()
        if kind not in self._kinds:
            raise ConfigError([f"{self.noun}.kind: no {self.noun} {kind!r}{suggest(kind, self._kinds)}"])
        return self._kinds[kind]

    def check(self, kind: str, params: Mapping[str, Any], supplied: Collection[str] = (), at: str = "") -> list[str]:
        """List what is wrong with `params` for `kind`: unknown, missing, or of the wrong type.

        Args:
            kind: a registered kind.
            params: plain values as they stand in the configuration.
            supplied: parameters that code passes at build time (sizes and the like).
            at: where the parameters stand in the configuration; the noun by default.
        """
        at = at or self.noun
        try:
            target = self.get(kind)
        except ConfigError as error:
            return list(error.problems)
        signature = inspect.signature(target).parameters
        hints = typing.get_type_hints(target.__init__ if inspect.isclass(target) else target)
        open_keys = [name for name in signature if name not in supplied]
        problems = []
        for key, value in params.items():
            if key not in open_keys:
                problems.append(f"{at}.{key}: {self.noun} {kind!r} has no such parameter{suggest(key, open_keys)}")
            elif not matches_type(value, hints.get(key, Any)):
                problems.append(f"{at}.{key}: {value!r} is not {type_name(hints[key])}")
        for key in open_keys:
            if signature[key].default is inspect.Parameter.empty and key not in params:
                problems.append(f"{at}.{key}: {self.noun} {kind!r} needs it")
        return problems

    def build(self, kind: str, params: Mapping[str, Any] | None = None, **supplied: Any) -> Any:
        """Construct `kind` from checked plain `params` and what code supplies (sizes, distances, paths).

        Raises:
            ConfigError: unknown kind, or parameters that do not fit its signature; nothing is constructed.
        """
        params = dict(params or {})
        if problems := self.check(kind, params, supplied):
            raise ConfigError(problems)
        target = self.get(kind)
        wanted = inspect.signature(target).parameters
        return target(**params, **{key: value for key, value in supplied.items() if key in wanted})

    def _load(self) -> None:
        if not self._loaded:
            self._loaded = True
            for name in self._modules:
                module = importlib.import_module(name)
                for found in pkgutil.iter_modules(getattr(module, "__path__", ())):
                    if not found.ispkg:
                        importlib.import_module(f"{name}.{found.name}")


def matches_type(value: Any, hint: Any) -> bool:
    """Whether a plain configuration value fits a parameter's type (an int passes for a float)."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any or isinstance(hint, TypeVar):
        return True
    if origin in (typing.Union, types.UnionType):
        return any(matches_type(value, argument) for argument in arguments)
    if origin is typing.Literal:
        return any(value == argument and type(value) is type(argument) for argument in arguments)
    if hint is None or hint is type(None):
        return value is None
    if origin in (list, tuple, Sequence) or hint in (list, tuple):
        inner = [a for a in arguments if a is not Ellipsis] or [Any]
        return isinstance(value, list | tuple) and all(any(matches_type(v, a) for a in inner) for v in value)
    if origin in (dict, Mapping) or hint is dict:
        key_hint, value_hint = arguments or (Any, Any)
        return isinstance(value, Mapping) and all(
            matches_type(k, key_hint) and matches_type(v, value_hint) for k, v in value.items()
        )
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return not inspect.isclass(hint) or isinstance(value, hint)


def type_name(hint: Any) -> str:
    """A type as a user reads it: "int", "one of 'a', 'b'", "float or null"."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(type_name(argument) for argument in arguments)
    if origin is typing.Literal:
        return "one of " + ", ".join(repr(argument) for argument in arguments)
    if hint is type(None):
        return "null"
    if origin is not None:
        return str(hint).replace("collections.abc.", "")
    article = "an" if getattr(hint, "__name__", "")[:1] in "aeiou" else "a"
    return f"{article} {getattr(hint, '__name__', hint)}"
