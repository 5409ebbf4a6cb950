"""dbt in this process without what it does in vain, which is half of its work on a small build.

It writes some ten messages of level debug for every model, whatever its log is told to keep,
translates the same templates into Python for every build, looks up each of some 700 macros several
times for every model, makes parsers of dates for every result, and connects anew for every model.

PYTEST_DONT_REWRITE: the tests import this module before pytest takes its fixtures from it.
"""

import threading
from typing import Any

import agate  # type: ignore[import-untyped]
import jinja2.sandbox
import psycopg2  # type: ignore[import-untyped]
from dbt.adapters.base.connections import BaseConnectionManager
from dbt.adapters.base.impl import BaseAdapter
from dbt.adapters.postgres.connections import PostgresConnectionManager
from dbt.clients.jinja import MacroGenerator
from dbt.compilation import Compiler
from dbt.context.macros import MacroNamespace, MacroNamespaceBuilder
from dbt.flags import get_flags
from dbt_common.clients import agate_helper
from dbt_common.clients.jinja import MacroFuzzEnvironment
from dbt_common.events.base_types import BaseEvent, DebugLevel, EventLevel
from dbt_common.events.event_manager import EventManager

_fire_event = EventManager.fire_event
_compile: Any = MacroFuzzEnvironment.compile
_compiled: dict[tuple[type, str], Any] = {}
_is_internal_attribute = jinja2.sandbox.is_internal_attribute
_internal: dict[tuple[type, str], bool] = {}
_make_match: Any = BaseAdapter._make_match
_link: Any = Compiler.compile
_linked: dict[bool, tuple[Any, Any]] = {}
"""The last manifest and its graph, without and with edges of tests."""
_build_type_tester = agate_helper.build_type_tester
_testers: dict[tuple[frozenset[str], tuple[str, ...]], agate.TypeTester] = {}
_open: Any = PostgresConnectionManager.__dict__["open"].__func__
_close_handle: Any = BaseConnectionManager.__dict__["_close_handle"].__func__
_cleanup_all = PostgresConnectionManager.cleanup_all
_kept: dict[int, tuple[Any, Any]] = {}
"""The last connection of each thread and what it was made with."""


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


def _init_macro(
    self: MacroGenerator, macro: Any, context: Any = None, node: Any = None, stack: Any = None
) -> None:
    self.macro, self.context, self.node, self.stack = macro, context, node, stack


def _is_internal_attribute_of_type(value: Any, attribute: str) -> bool:
    asked = type(value), attribute
    if asked not in _internal:
        _internal[asked] = _is_internal_attribute(value, attribute)
    return _internal[asked]


def _link_once(self: Any, manifest: Any, write: bool = True, add_test_edges: bool = False) -> Any:
    self.initialize()
    linked, graph = _linked.get(add_test_edges, (None, None))
    if linked is not manifest or get_flags().WRITE_JSON:  # type: ignore[no-untyped-call]
        graph = _link(self, manifest, write, add_test_edges)
        _linked[add_test_edges] = manifest, graph
    return graph


def _match_of_names(
    self: BaseAdapter, relations: list[Any], database: str, schema: str, identifier: str
) -> Any:
    alike = [found for found in relations if found.identifier.lower() == identifier.lower()]
    return _make_match(self, alike, database, schema, identifier)


class _Namespace(dict[str, Any]):
    """What names stand for, looked up once; otherwise like dbt's own."""

    get_from_package = MacroNamespace.get_from_package

    def __init__(self, names: dict[str, Any], packages: dict[str, Any], dbt: dict[str, Any]):
        super().__init__(names)
        self.packages, self.global_project_namespace = packages, dbt


def _build_namespace(
    self: MacroNamespaceBuilder, macros_by_package: dict[str, dict[str, Any]], ctx: dict[str, Any]
) -> _Namespace:
    packages = {
        package: {
            name: MacroGenerator(macro, ctx, self.node, self.thread_ctx)
            for name, macro in macros.items()
        }
        for package, macros in macros_by_package.items()
    }
    dbt: dict[str, Any] = {}
    for package in reversed(self.internal_package_names_order):
        dbt |= packages.pop(package, {})
    names = {**dbt, "dbt": dbt, **packages}
    for package in (self.root_package, self.search_package):
        names |= packages.get(package, {})
    return _Namespace(names, packages, dbt)


def _type_tester(text_columns: Any, string_null_values: Any = ("null", "")) -> agate.TypeTester:
    given = frozenset(text_columns), tuple(string_null_values)
    if given not in _testers:
        _testers[given] = _build_type_tester(*given)
    return _testers[given]


def _empty_table() -> agate.Table:
    return agate.Table([], column_types=agate_helper.DEFAULT_TYPE_TESTER)


def _open_again(cls: type[PostgresConnectionManager], connection: Any) -> Any:
    credentials, handle = _kept.pop(threading.get_ident(), (None, None))
    if handle is not None:
        if credentials == connection.credentials and _executed(handle, "reset application_name"):
            connection.handle, connection.state = handle, "open"
            return connection
        handle.close()
    return _open(cls, connection)


def _keep_handle(cls: type[PostgresConnectionManager], connection: Any) -> None:
    """Make a session like a new one, and keep it until the end of the run."""
    handle = connection.handle
    # psycopg2 begins with the date style. Whoever waits for a build sees by the name whether one is
    # at work.
    if _executed(handle, "discard all", "set datestyle = 'ISO'", "set application_name = 'kept'"):
        _kept[threading.get_ident()] = connection.credentials, handle
    else:
        _close_handle(cls, connection)


def _executed(handle: Any, *statements: str) -> bool:
    try:
        handle.rollback()
        handle.autocommit = True
        with handle.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        handle.autocommit = False
    except psycopg2.Error:
        return False
    return True


def _cleanup_with_kept(self: PostgresConnectionManager) -> None:
    _cleanup_all(self)
    while _kept:
        _, (_, handle) = _kept.popitem()
        handle.close()


def make_dbt_fast() -> None:
    """Spare dbt all that in this process; nothing that anybody can see is left out."""
    for owner, name, replacement in (
        (DebugLevel, "__init__", _AsNeeded.__init__),
        (DebugLevel, "__getattr__", _AsNeeded.__getattr__),
        (EventManager, "fire_event", _fire_event_that_is_read),
        (MacroFuzzEnvironment, "compile", _compile_once),
        (MacroGenerator, "__init__", _init_macro),
        (MacroNamespaceBuilder, "build_namespace", _build_namespace),
        (jinja2.sandbox, "is_internal_attribute", _is_internal_attribute_of_type),
        (Compiler, "compile", _link_once),
        (BaseAdapter, "_make_match", _match_of_names),
        (agate_helper, "build_type_tester", _type_tester),
        (agate_helper, "empty_table", _empty_table),
        (PostgresConnectionManager, "open", classmethod(_open_again)),
        (PostgresConnectionManager, "_close_handle", classmethod(_keep_handle)),
        (PostgresConnectionManager, "cleanup_all", _cleanup_with_kept),
    ):
        setattr(owner, name, replacement)
