"""Addresses of MLflow's store. They stand in results/, in logs and on command lines, so none may hold a password."""

import argparse
from urllib.parse import parse_qs, urlsplit

SECRETS = ("password", "passwd", "pwd", "sslpassword")
INSTEAD = (
    "found a password, which would stand in results/ and logs; expected an address without one: say it by "
    "PGPASSFILE or PGPASSWORD for PostgreSQL, by MLFLOW_TRACKING_PASSWORD for a tracking server (docs/server.md)"
)


def has_password(uri: str) -> bool:
    """Return whether an address holds a password, before its host or among its options."""
    try:
        parts = urlsplit(uri)
        return parts.password is not None or any(name.lower() in SECRETS for name in parse_qs(parts.query, True))
    except ValueError:  # no address at all; whoever opens it tells
        return "@" in uri


def store(text: str) -> str:
    """Return a command line's address of MLflow's store; argparse tells of a password in it, without showing it."""
    if has_password(text):
        raise argparse.ArgumentTypeError(INSTEAD)
    return text


def page_address(uri: str, page: str, local: str) -> str:
    """Return the address of a page of MLflow's: of the server `uri`, else of the one that is opened at `local`."""
    base = uri if uri.startswith(("http://", "https://")) else local
    return f"{base.rstrip('/')}/{page}"
