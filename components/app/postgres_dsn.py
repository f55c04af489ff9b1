"""The database's URL for pgx, the driver of Dapr's state store, which knows less of it than libpq does.

Sources: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS,
https://github.com/jackc/pgx/blob/v5.5.5/pgconn/config.go
"""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

# What pgx does not know it sends to the server, which refuses to start a session with that.
_OF_LIBPQ_ALONE = {
    *("channel_binding", "fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "hostaddr"),
    *("keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts"),
    *("max_protocol_version", "min_protocol_version", "require_auth", "requirepeer", "requiressl"),
    *("ssl_max_protocol_version", "ssl_min_protocol_version", "sslcertmode", "sslcompression", "sslcrl", "sslcrldir"),
    *("sslkeylogfile", "sslnegotiation", "tcp_user_timeout"),
}
_SYSTEM = "system"


def for_pgx(url: str) -> str:
    """A URL that libpq takes, as pgx takes it, and as safe.

    Where libpq proves by channel binding, or by the system's authorities, that it is the server itself that answers,
    pgx checks the server's certificate for its name.
    """
    parts = urlsplit(url)
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parameters.get("channel_binding") == "require" or parameters.get("sslrootcert") == _SYSTEM:
        parameters["sslmode"] = "verify-full"
    if parameters.get("sslrootcert") == _SYSTEM:  # a file to pgx, which takes the system's without one
        del parameters["sslrootcert"]
    known = {name: value for name, value in parameters.items() if name not in _OF_LIBPQ_ALONE}
    return urlunsplit(parts._replace(query=urlencode(known)))
