"""How a sandbox's programs reach a database: the variables that libpq and every driver know."""

from urllib.parse import quote

from app.db.databases import Access


def environment(database: Access, password: str) -> tuple[tuple[str, str], ...]:
    """DATABASE_URL, percent-encoded (RFC 3986), and libpq's PG* variables."""
    user, name = str(database.username), str(database.database)
    place = f"{database.host}:{database.port}/{quote(name, safe='')}"
    return (
        ("DATABASE_URL", f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{place}"),
        ("PGHOST", str(database.host)),
        ("PGPORT", str(database.port)),
        ("PGDATABASE", name),
        ("PGUSER", user),
        ("PGPASSWORD", password),
    )
