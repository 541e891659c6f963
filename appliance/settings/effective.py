"""The effective value of a setting."""

from dataclasses import dataclass

from appliance.parameters import Parameter, Value, without_password


@dataclass(frozen=True, slots=True)
class Effective:
    """The effective value of one setting, checked, and its origin."""

    parameter: Parameter
    value: Value
    origin: str

    def shown(self) -> str:
        """Return the value for display; secrets are masked, also a password in a URL."""
        if self.parameter.secret:
            return "(set)" if self.value else "(not set)"
        return str(self.value).lower() if isinstance(self.value, bool) else without_password(str(self.value))
