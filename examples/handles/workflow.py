"""Tasks that change a database, one after the other and side by side."""

import sqlite3

from redun import Handle, merge_handles, task

redun_namespace = "shop"


class Database(Handle):
    """A SQLite file. Only its name and path are recorded; wherever the handle arrives, the file is opened again."""

    def __init__(self, name: str, path: str, namespace: str | None = None) -> None:
        self.path = path
        # Threads of the local executor share the connection, and each statement is a transaction of its own.
        self.instance = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def replace_table(self, table: str, query: str) -> None:
        """Fill a table from a query: however often, and whatever was there before."""
        self.execute(f"DROP TABLE IF EXISTS {table}")
        self.execute(f"CREATE TABLE {table} AS {query}")


@task()
def load(database: Database, prices: list[int]) -> Database:
    rows = " UNION ALL ".join(f"SELECT {number} AS item, {price} AS price" for number, price in enumerate(prices, 1))
    database.replace_table("price", rows)
    return database


@task()
def add_discounts(database: Database) -> Database:
    database.replace_table("discount", "SELECT item, price / 10 AS amount FROM price WHERE price >= 100")
    return database


@task()
def add_taxes(database: Database) -> Database:
    database.replace_table("tax", "SELECT item, price / 5 AS amount FROM price")
    return database


@task()
def add_totals(database: Database) -> Database:
    database.replace_table(
        "total",
        "SELECT item, price + tax.amount - coalesce(discount.amount, 0) AS amount"
        " FROM price JOIN tax USING (item) LEFT JOIN discount USING (item)",
    )
    return database


@task()
def read_totals(database: Database) -> list[int]:
    return [amount for (amount,) in database.execute("SELECT amount FROM total ORDER BY item")]


@task()
def main(path: str = "shop.db", prices: list[int] = [50, 100, 200]) -> list[int]:
    database = load(Database("shop", path), prices)
    # Two branches: neither sees what the other does, and an edit of one does not run the other again.
    database = merge_handles([add_discounts(database), add_taxes(database)])
    return read_totals(add_totals(database))
