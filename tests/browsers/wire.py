"""Commands of W3C WebDriver, over HTTP and over Firefox's Marionette, which speaks them under almost the same names.

Debian has no geckodriver, the program that translates between the two; Marionette needs none.
"""

import json
import socket
import urllib.error
import urllib.request
from typing import Any, Protocol

ANSWERS_WITHIN = 60.0  # s

# Method and path of each command, below the session: https://www.w3.org/TR/webdriver2/#endpoints
_ROUTES = {
    "SetTimeouts": ("POST", "/timeouts"),
    "Navigate": ("POST", "/url"),
    "GetCurrentURL": ("GET", "/url"),
    "SetWindowRect": ("POST", "/window/rect"),
    "FindElement": ("POST", "/element"),
    "ElementClick": ("POST", "/element/{id}/click"),
    "PerformActions": ("POST", "/actions"),
    "ReleaseActions": ("DELETE", "/actions"),
    "ExecuteScript": ("POST", "/execute/sync"),
    "TakeScreenshot": ("GET", "/screenshot"),
    "GetCookies": ("GET", "/cookie"),
    "DeleteAllCookies": ("DELETE", "/cookie"),
    "DeleteSession": ("DELETE", ""),
    # Extensions of Chromium's driver.
    "ExecuteCdpCommand": ("POST", "/goog/cdp/execute"),
    "GetLog": ("POST", "/se/log"),
}
_NAMES_IN_MARIONETTE = {"SetContext": "Marionette:SetContext"}


class DriverError(Exception):
    """A command that the browser refused: the standard's code, and the words of the browser."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class Wire(Protocol):
    """A connection to one browser, with a session."""

    def send(self, command: str, **parameters: Any) -> Any:
        """Run a command and return its value; raise DriverError if it is refused."""

    def close(self) -> None:
        """End the session."""


class HttpWire:
    """A driver of its own program: WebKitWebDriver, chromedriver."""

    def __init__(self, port: int, capabilities: dict[str, Any]) -> None:
        self._address = f"http://127.0.0.1:{port}"
        value = self._request("POST", "/session", {"capabilities": {"alwaysMatch": capabilities}})
        self.version = str(value["capabilities"]["browserVersion"])
        self._address += f"/session/{value['sessionId']}"

    def send(self, command: str, **parameters: Any) -> Any:
        method, path = _ROUTES[command]
        path = path.format(id=parameters.pop("id", ""))
        return self._request(method, path, parameters if method == "POST" else None)

    def close(self) -> None:
        self.send("DeleteSession")

    def _request(self, method: str, path: str, body: object) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._address + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=ANSWERS_WITHIN) as response:
                return json.load(response)["value"]
        except urllib.error.HTTPError as error:
            with error:
                value = json.load(error)["value"]
            raise DriverError(value["error"], value["message"]) from None


class MarionetteWire:
    """Firefox's own protocol: JSON arrays on a TCP connection, each after its length and a colon."""

    def __init__(self, port: int, capabilities: dict[str, Any]) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWERS_WITHIN)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._receive()  # the greeting
        value = self.send("NewSession", capabilities={"alwaysMatch": capabilities})
        self.version = str(value["capabilities"]["browserVersion"])

    def send(self, command: str, **parameters: Any) -> Any:
        self._number += 1
        name = _NAMES_IN_MARIONETTE.get(command, f"WebDriver:{command}")
        message = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(message), message))
        _, number, error, result = self._receive()
        assert number == self._number, "an answer to another command"
        if error:
            raise DriverError(error["error"], error["message"])
        return result["value"] if isinstance(result, dict) and result.keys() == {"value"} else result

    def close(self) -> None:
        self.send("DeleteSession")
        self._stream.close()
        self._socket.close()

    def _receive(self) -> Any:
        length = b""
        while (byte := self._stream.read(1)) != b":":
            if not byte:
                raise EOFError("Firefox closed the connection")
            length += byte
        return json.loads(self._stream.read(int(length)))
