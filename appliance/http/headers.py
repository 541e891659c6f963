"""What the headers of a request say, whatever bytes somebody put into them.

Bottle decodes a header as UTF-8 and takes the `Cookie` apart with the standard library; both raise for what any client
may send, or for the cookie of another program on the same host, which a browser sends to every port.
"""

from bottle import request


def header(name: str) -> str:
    """Return a header of the request that is being answered, each byte a character; empty where it is not there."""
    return str(request.environ.get("HTTP_" + name.upper().replace("-", "_"), ""))


def cookie(name: str) -> str | None:
    """Return the cookie of that name, which has to be one of ours: it is not quoted and has no spaces."""
    for each in header("Cookie").split(";"):
        key, equals, value = each.strip().partition("=")
        if equals and key == name:
            return value
    return None
