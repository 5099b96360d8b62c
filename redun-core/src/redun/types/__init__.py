"""How ordinary Python values hash, store and parse. `redun.value` is the public face; this folder is its inside.

| module | idea |
|---|---|
| `plain` | plain data at C speed, through `marshal` |
| `reference` | the same encoding written out in Python, for every depth |
| `canonical` | the hash of everything else: a walk over what pickling would take |
| `reductions` | what that walk takes from an instance of each kind of class |
| `knots` | objects that contain each other |
| `graph` | how plain data with much sharing is stored |
| `pickling` | how everything else is stored |
| `names` | classes and functions by where they can be imported from |
| `protocol` | `Value`, `ProxyValue` and the registry of their type names |
| `registry_calls` | what may be asked of any value by way of the registry |
| `builtin` | proxies of ordinary types, and `parse_arg` |
| `contents` | what speaks for itself, anywhere inside a value |
| `tables` | arrays and tables of NumPy, pandas, Polars and PyArrow |
"""

from __future__ import annotations

from redun.types.protocol import register_value_type

__all__ = ["register_value_type"]
