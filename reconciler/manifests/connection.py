"""How a sandbox's programs reach a database: the variables that libpq and every driver know."""

from app.db.databases import Access
from app.domain.dsn import postgres_url


def environment(database: Access, password: str) -> tuple[tuple[str, str], ...]:
    """DATABASE_URL and libpq's PG* variables."""
    user, host, name = str(database.username), str(database.host), str(database.database)
    port = database.port or 0
    url = postgres_url(user=user, password=password, host=host, port=port, database=name)
    return (
        ("DATABASE_URL", url),
        ("PGHOST", host),
        ("PGPORT", str(port)),
        ("PGDATABASE", name),
        ("PGUSER", user),
        ("PGPASSWORD", password),
    )
