"""The database's URL for pgx, the driver of Dapr's state store, which supports fewer parameters than libpq.

Sources: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS,
https://github.com/jackc/pgx/blob/v5.5.5/pgconn/config.go
"""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

# pgx sends unknown parameters to the server, which then refuses the session.
_LIBPQ_ONLY = {
    *("channel_binding", "fallback_application_name", "gssdelegation", "gssencmode", "gsslib", "hostaddr"),
    *("keepalives", "keepalives_count", "keepalives_idle", "keepalives_interval", "load_balance_hosts"),
    *("max_protocol_version", "min_protocol_version", "require_auth", "requirepeer", "requiressl"),
    *("ssl_max_protocol_version", "ssl_min_protocol_version", "sslcertmode", "sslcompression", "sslcrl", "sslcrldir"),
    *("sslkeylogfile", "sslnegotiation", "tcp_user_timeout"),
}
_SYSTEM = "system"


def for_pgx(url: str) -> str:
    """Translate a URL for libpq into one for pgx that is as safe.

    pgx has neither channel binding nor `sslrootcert=system`; it verifies the server's certificate and name instead.
    """
    parts = urlsplit(url)
    parameters = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parameters.get("channel_binding") == "require" or parameters.get("sslrootcert") == _SYSTEM:
        parameters["sslmode"] = "verify-full"
    if parameters.get("sslrootcert") == _SYSTEM:
        # pgx would read a file of this name; without one it uses the system's authorities.
        del parameters["sslrootcert"]
    known = {name: value for name, value in parameters.items() if name not in _LIBPQ_ONLY}
    return urlunsplit(parts._replace(query=urlencode(known)))
