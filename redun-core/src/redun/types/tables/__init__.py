"""Arrays and tables of NumPy, pandas, Polars and PyArrow as values.

What is hashed is content: type, shape, dtypes, names, order and elements. What is not: how the elements lie in memory
(contiguity, order of dimensions, chunks, views of larger buffers, dictionaries as an encoding, what stands below a
null). The proxies here are found by the qualified names of the classes (`redun.types.protocol`), so that nothing of
this is imported before such a value turns up.

| module | idea |
|---|---|
| `table_type` | what all of these proxies share |
| `stored` | the bytes in which such a value is stored, with a heading that can be shown without the library |
| `numpy_types`, `pandas_types`, `polars_types`, `arrow_types` | one library each |
"""
