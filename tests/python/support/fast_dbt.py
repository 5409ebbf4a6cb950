"""dbt in this process without what it does in vain, which is a third of its work on a small build.

It writes some ten messages of level debug for every model, whatever its log is told to keep, and
translates the same templates into Python for every build.

PYTEST_DONT_REWRITE: the tests import this module before pytest takes its fixtures from it.
"""

from typing import Any

from dbt_common.clients.jinja import MacroFuzzEnvironment
from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel
from dbt_common.events.event_manager import EventManager

_fire_event = EventManager.fire_event
_compile: Any = MacroFuzzEnvironment.compile
_compiled: dict[tuple[type, str], Any] = {}


class _AsNeeded(DebugLevel):
    """How events of level debug are made: what they say is put together when somebody asks."""

    def __init__(self, *arguments: Any, **said: Any) -> None:
        self.__dict__["_said"] = (arguments, said)

    def __getattr__(self, name: str) -> Any:
        if name == "pb_msg":
            arguments, said = self.__dict__["_said"]
            BaseEvent.__init__(self, *arguments, **said)
            return self.__dict__["pb_msg"]
        return getattr(self.pb_msg, name)


def _fire_event_that_is_read(
    self: EventManager,
    e: BaseEvent,
    level: EventLevel | None = None,
    node: Any = None,
    force_warn_or_error_handling: bool = False,
) -> None:
    if force_warn_or_error_handling or (level or e.level_tag()) is not EventLevel.DEBUG:
        _fire_event(self, e, level, node, force_warn_or_error_handling)


def _compile_once(self: MacroFuzzEnvironment, source: Any, *names: Any, **options: Any) -> Any:
    if names or options or not isinstance(source, str):
        return _compile(self, source, *names, **options)
    template = (type(self), source)
    if template not in _compiled:
        _compiled[template] = _compile(self, source)
    return _compiled[template]


def make_dbt_fast() -> None:
    """Spare dbt both in this process; nothing that anybody can see is left out."""
    for owner, name, replacement in (
        (DebugLevel, "__init__", _AsNeeded.__init__),
        (DebugLevel, "__getattr__", _AsNeeded.__getattr__),
        (EventManager, "fire_event", _fire_event_that_is_read),
        (MacroFuzzEnvironment, "compile", _compile_once),
    ):
        setattr(owner, name, replacement)
