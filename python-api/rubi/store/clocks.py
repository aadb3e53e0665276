"""The broker's clock in Postgres."""

from rubi.store.sql import statements

SQL = statements(__file__)
