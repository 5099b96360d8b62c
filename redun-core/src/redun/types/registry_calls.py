"""What may be asked of any value by way of the registry of types, as classes of users do for what they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from redun.errors import ValueTypeError
from redun.types import names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from redun.types.protocol import Value


class RegistryCalls:
    """The methods of `TypeRegistry` that take a value of any kind. They speak of the registry of this process."""

    def get_hash(self, value: Any, data: bytes | None = None) -> str:  # noqa: ARG002 - the form of `Value.get_hash`
        """The hash of a value: 40 hex digits. A `get_hash` of a user's own makes its hash of those of its members.

        Raises `InvalidValueError` for what cannot be hashed.
        """
        from redun.value import hash_value

        return hash_value(value).hex()

    def serialize(self, value: Any) -> bytes:
        """A value as bytes, which `deserialize` takes. Raises `InvalidValueError` for what cannot be stored."""
        from redun.types import pickling
        from redun.value import encode

        encoded = encode(value)
        return encoded.data if encoded.codec == "value" else pickling.dump(value)

    def deserialize(self, type_name: str, data: bytes) -> Any:
        """The value that `serialize` made bytes of.

        type_name: what `get_type_name` gives for its class.

        Raises `InvalidValueError` for bytes that cannot be read.
        """
        from redun.types.protocol import get_type_registry
        from redun.value import decode, has_own_format

        cls = get_type_registry().get_class(type_name)
        return decode("value" if cls is not None and has_own_format(cls) else "pickle", data, type_name)

    def get_serialization_format(self, value: Any) -> str:
        """A MIME type for what `serialize` returns."""
        from redun.types.protocol import MIME_TYPE_PICKLE, get_type_registry

        speaker = get_type_registry().get_value(value)
        return MIME_TYPE_PICKLE if speaker is None else speaker.get_serialization_format()

    def is_valid(self, value: Any) -> bool:
        """Whether a value from the cache may still be used, as far as it says so itself."""
        from redun.types.protocol import get_type_registry

        speaker = get_type_registry().get_value(value)
        return speaker is None or speaker.is_valid()

    def is_valid_nested(self, nested_value: Any) -> bool:
        """Whether a value from the cache may still be used, with everything in it."""
        from redun.value import is_valid

        return is_valid(nested_value)

    def preprocess(self, raw_value: Any, preprocess_args: dict[str, Any]) -> Any:
        """What a task receives in place of an argument; see `Value.preprocess`."""
        from redun.value import apply_hook

        return apply_hook("preprocess", raw_value, preprocess_args)

    def postprocess(self, raw_value: Any, postprocess_args: dict[str, Any]) -> Any:
        """What a task's result becomes; see `Value.postprocess`."""
        from redun.value import apply_hook

        return apply_hook("postprocess", raw_value, postprocess_args)

    def iter_subvalues(self, raw_value: Any) -> Iterator[Value]:
        """The values inside one that get records of their own, as far as it tells them itself."""
        from redun.types.protocol import get_type_registry

        speaker = get_type_registry().get_value(raw_value)
        return iter(()) if speaker is None else speaker.iter_subvalues()

    def parse_arg(self, raw_type: Any, arg: str) -> Any:
        """The value that a text on the command line stands for. Raises `ValueError` where it stands for none."""
        from redun.types.builtin import parse_arg

        return parse_arg(raw_type, arg)

    def parse_type_name(self, type_name: str) -> type:
        """The class of a type name: the one that a proxy speaks for, or what can be imported under that name.

        Raises `redun.value.TypeError` where there is none.
        """
        from redun.types.protocol import ProxyValue, get_type_registry

        registry = get_type_registry()
        cls = registry.get_class(type_name)
        if cls is not None:
            found = registry.get_raw_type(cls) if issubclass(cls, ProxyValue) else cls
        else:
            module_name, _, name = type_name.rpartition(".")
            found = names.find_name(module_name or "builtins", name)
        if not isinstance(found, type):
            raise ValueTypeError(f"there is no class with the type name {type_name!r}")
        return found
