"""Values that are made once for each row, as many as there is room for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BoundedCache(Generic[Value]):
    """Keeps the first values that fit and makes the others anew.

    Training visits the rows in a fresh permutation each epoch, so that every row is asked for as often as any other:
    to throw older values out for newer ones, as an LRU cache does, would only lose those that are asked for next.

    Args:
        capacity: number of values; each process that makes batches keeps its own.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: dict[int, Value] = {}

    def __len__(self) -> int:
        return len(self._values)

    def get(self, row: int, make: Callable[[int], Value]) -> Value:
        """The value of a row, made if it is not there."""
        if row in self._values:
            return self._values[row]
        value = make(row)
        if len(self._values) < self._capacity:
            self._values[row] = value
        return value
