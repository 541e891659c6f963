"""Content negotiation: accepted media types and content codings with their weights (RFC 9110, 12.4.2 and 12.5)."""

from appliance.http.headers import header

_MAX_ENTRIES = 64  # of a header; more are ignored


def prefers_json() -> bool:
    """Return whether the client prefers JSON to a JPEG. Without a preference, it gets the JPEG."""
    accepted = _weights(header("Accept"))
    return _weight_of_type("application/json", accepted) > _weight_of_type("image/jpeg", accepted)


def accepts_gzip() -> bool:
    """Return whether the client accepts gzip."""
    accepted = _weights(header("Accept-Encoding"))
    return accepted.get("gzip", accepted.get("x-gzip", accepted.get("*", 0.0))) > 0


def _weight_of_type(media_type: str, accepted: dict[str, float]) -> float:
    """Return the weight of a media type, from the most specific matching entry."""
    if not accepted:
        return 1.0
    group = media_type.partition("/")[0]
    return next((accepted[name] for name in (media_type, f"{group}/*", "*/*") if name in accepted), 0.0)


def _weights(value: str) -> dict[str, float]:
    """Return the weight (0 to 1) of each entry of an `Accept` header. An invalid weight counts as 1."""
    weights: dict[str, float] = {}
    for entry in value.split(",")[:_MAX_ENTRIES]:
        name, *parameters = (part.strip().lower() for part in entry.split(";"))
        if name:
            weights[name] = next((_weight(each[2:]) for each in parameters if each.startswith("q=")), 1.0)
    return weights


def _weight(text: str) -> float:
    try:
        return min(max(float(text), 0.0), 1.0)
    except ValueError:
        return 1.0
