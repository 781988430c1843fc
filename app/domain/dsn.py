"""The address of a database in one line, as every driver of PostgreSQL reads it."""

from urllib.parse import quote


def postgres_url(*, user: str, password: str, host: str, port: int, database: str) -> str:
    """postgresql://user:password@host:port/database, percent-encoded (RFC 3986, libpq 34.1.1.2)."""
    who = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return f"postgresql://{who}@{host}:{port}/{quote(database, safe='')}"
