"""Tolerant access to the headers of a request.

Bottle decodes headers as UTF-8 and parses `Cookie` with the standard library. Both raise for input that any client can
send, and for cookies of other programs on the same host, because a browser sends cookies to every port.
"""

from bottle import request


def header(name: str) -> str:
    """Return a header of the current request as Latin-1 text, or an empty string."""
    return str(request.environ.get("HTTP_" + name.upper().replace("-", "_"), ""))


def cookie(name: str) -> str | None:
    """Return a cookie by name. Quoted values are not supported."""
    for each in header("Cookie").split(";"):
        key, equals, value = each.strip().partition("=")
        if equals and key == name:
            return value
    return None
