"""Who owns what: some changes are for a relation's owner alone."""

import psycopg


def owns(connection: psycopg.Connection, relation: str) -> bool:
    """Tell whether a connection's login owns a relation, or may act as who does.

    Args:
        connection: To the warehouse's database.
        relation: The relation's name, with its schema.

    Returns:
        Whether it does.
    """
    row = connection.execute(
        "select pg_has_role(relowner, 'usage') from pg_catalog.pg_class "
        "where oid = cast(%s as regclass)",
        (relation,),
    ).fetchone()
    return bool(row and row[0])
