import pytest

from components.app.postgres_dsn import for_pgx

PLACE = "postgresql://todo:p%40ss%2Fw@ep-x.eu-central-1.aws.neon.tech:5432/neondb"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("", ""),
        ("?sslmode=require", "?sslmode=require"),
        # As Neon hands it out: psycopg binds the password to the server's certificate, and pgx would ask nobody for it.
        ("?sslmode=require&channel_binding=require", "?sslmode=verify-full"),
        ("?channel_binding=require", "?sslmode=verify-full"),
        ("?sslmode=require&channel_binding=prefer", "?sslmode=require"),
        ("?sslmode=verify-full&sslrootcert=system", "?sslmode=verify-full"),
        ("?sslmode=verify-ca&sslrootcert=%2Fca.pem", "?sslmode=verify-ca&sslrootcert=%2Fca.pem"),
        ("?keepalives_idle=30&options=-c%20search_path%3Dtodo&gssencmode=disable", "?options=-c+search_path%3Dtodo"),
    ],
)
def test_a_url_for_libpq_becomes_as_safe_for_pgx(given: str, taken: str) -> None:
    assert for_pgx(PLACE + given) == PLACE + taken
