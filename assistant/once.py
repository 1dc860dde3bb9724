"""Attributes that are made when they are first needed, and once however many threads need them."""

from collections.abc import Callable
from threading import RLock
from typing import Any, Generic, Protocol, Self, TypeVar, overload


class Maker(Protocol):
    """What has such attributes, and a lock that is held while one is made, which may need others.

    Each is kept in its `__dict__`, and made anew once it is taken out of there.
    """

    _making: RLock


Owner = TypeVar("Owner", bound=Maker)
Value = TypeVar("Value")


class once(Generic[Owner, Value]):  # noqa: N801 - a decorator
    """As `functools.cached_property`, under its owner's lock."""

    def __init__(self, make: Callable[[Owner], Value]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type[Owner], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type[Owner]) -> Self: ...
    @overload
    def __get__(self, instance: Owner, owner: type[Owner]) -> Value: ...
    def __get__(self, instance: Owner | None, owner: type[Owner]) -> Self | Value:
        if instance is None:
            return self
        made: dict[str, Any] = instance.__dict__
        with instance._making:
            if self._name not in made:
                made[self._name] = self._make(instance)
            value: Value = made[self._name]
        return value
