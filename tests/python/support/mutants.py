"""Small mistakes in a query, one at a time: what a test of the query should notice.

PYTEST_DONT_REWRITE: the tests import this module before pytest takes its fixtures from it.
"""

from collections.abc import Callable, Iterator
from itertools import islice

import sqlglot
from sqlglot import exp

FIXTURE = "__dbt__cte__"
"""How dbt names what a unit test gives to a model."""

LEDGERS = {"int_processed_loads", "int_bookmarks"}
"""Conditions that read them say what a model has not read yet; stories of arrivals test those."""

_SWAPS: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.LTE,
    exp.LTE: exp.LT,
    exp.GT: exp.GTE,
    exp.GTE: exp.GT,
    exp.NullSafeEQ: exp.NullSafeNEQ,
    exp.NullSafeNEQ: exp.NullSafeEQ,
    exp.And: exp.Or,
    exp.Or: exp.And,
    exp.Add: exp.Sub,
    exp.Sub: exp.Add,
    exp.Mul: exp.Div,
    exp.Div: exp.Mul,
    exp.Min: exp.Max,
    exp.Max: exp.Min,
    exp.Greatest: exp.Least,
    exp.Least: exp.Greatest,
}


def parsed(query: str) -> exp.Expr:
    """Return the syntax tree of a query in PostgreSQL's dialect."""
    tree = sqlglot.parse_one(query, dialect="postgres")
    assert isinstance(tree, exp.Expr)
    return tree


def shape_of(tree: exp.Expr) -> list[str]:
    """Return what can be done wrong, place by place: equal for queries of the same model."""
    return [name for _, name, _ in _places(tree)]


def mistakes_of(tree: exp.Expr) -> list[str]:
    """Return for each place what can be done wrong there and to what."""
    return [
        f"{name}: {node.sql(dialect='postgres', comments=False)[:150]}"
        for node, name, _ in _places(tree)
    ]


def mutant_of(tree: exp.Expr, place: int) -> str:
    """Return the query with the mistake at one place, counted as in `mistakes_of`."""
    copy = tree.copy()
    node, _, change = next(islice(_places(copy), place, None))
    change(node)
    return copy.sql(dialect="postgres", comments=False)


def _places(
    tree: exp.Expr,
) -> Iterator[tuple[exp.Expr, str, Callable[[exp.Expr], None]]]:
    for node in tree.walk(prune=_is_left_alone):
        if _is_left_alone(node):
            continue
        swapped = _SWAPS.get(type(node))
        if swapped is not None:
            yield node, f"{type(node).__name__} becomes {swapped.__name__}", _swap
        if isinstance(node, exp.Select):
            for clause in ("where", "having", "distinct"):
                if node.args.get(clause):
                    yield node.args[clause], f"no {clause}", _drop
        elif isinstance(node, exp.Join) and node.args.get("on"):
            if node.side:
                yield node, f"{node.side.lower()} join becomes inner join", _join_inner
            else:
                yield node, "inner join becomes left join", _join_left
        elif isinstance(node, exp.Filter):
            yield node, "no filter", _keep_this
        elif isinstance(node, exp.Coalesce) and not _is_part_of_key(node):
            yield node, "no default", _keep_this
        elif isinstance(node, exp.Not | exp.Neg):
            yield node, f"no {type(node).__name__.lower()}", _keep_this
        elif isinstance(node, exp.Sum):
            yield node, "sum becomes max", _maximum
        elif isinstance(node, exp.Union):
            yield node, "first branch alone", _keep_this
            yield node, "last branch alone", _keep_other
        elif isinstance(node, exp.Boolean):
            yield node, "the other boolean", _flip
        elif isinstance(node, exp.If) and isinstance(node.parent, exp.Case):
            if len(node.parent.args["ifs"]) > 1 or node.parent.args.get("default"):
                yield node, "no such case", _drop
        elif isinstance(node, exp.Ordered):
            yield node, "the other order", _reverse


def _is_left_alone(node: exp.Expr) -> bool:
    if isinstance(node, exp.CTE):
        return node.alias.startswith(FIXTURE)
    if isinstance(node, exp.Order) and node.parent is not None and node.parent.parent is None:
        return True  # in which order a table is written
    if isinstance(node, exp.Predicate | exp.Connector | exp.Paren | exp.Not):
        tables = {table.name.removeprefix(FIXTURE) for table in node.find_all(exp.Table)}
        return bool(tables) and tables <= LEDGERS
    return False


def _is_part_of_key(node: exp.Coalesce) -> bool:
    """Tell whether `surrogate_key` wrote this, mostly about a column that is never null."""
    return any(default.sql() == "'<null>'" for default in node.expressions)


def _swap(node: exp.Expr) -> None:
    node.replace(_SWAPS[type(node)](**node.args))


def _drop(node: exp.Expr) -> None:
    node.pop()


def _keep_this(node: exp.Expr) -> None:
    node.replace(node.this)


def _keep_other(node: exp.Expr) -> None:
    node.replace(node.expression)


def _join_inner(node: exp.Expr) -> None:
    node.set("side", None)
    node.set("kind", "INNER")


def _join_left(node: exp.Expr) -> None:
    node.set("side", "LEFT")
    node.set("kind", None)


def _maximum(node: exp.Expr) -> None:
    node.replace(exp.Max(this=node.this))


def _flip(node: exp.Expr) -> None:
    node.set("this", not node.this)


def _reverse(node: exp.Expr) -> None:
    node.set("desc", not node.args.get("desc"))
    node.set("nulls_first", None)
