"""A setting as it came out of all layers."""

from dataclasses import dataclass

from appliance.parameters import Parameter, Value, without_password


@dataclass(frozen=True, slots=True)
class Effective:
    """One setting as it came out: the checked value and where it came from."""

    parameter: Parameter
    value: Value
    origin: str

    def shown(self) -> str:
        """Return the value for people; a secret is masked, also the one in a URL."""
        if self.parameter.secret:
            return "(set)" if self.value else "(not set)"
        return str(self.value).lower() if isinstance(self.value, bool) else without_password(str(self.value))
