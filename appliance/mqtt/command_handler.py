"""Runs the commands of messages, and publishes the responses."""

import json
import time
from collections.abc import Callable
from typing import Any

from appliance import json_codec
from appliance.commands import Commands
from appliance.errors import ApplianceError, Busy, InvalidRequest
from appliance.mqtt.command_queue import Request
from appliance.mqtt.plain import PlainValue
from appliance.mqtt.sender import Sender
from appliance.mqtt.topics import Topics
from appliance.system.log import logger

log = logger(__name__)

_MAX_REPORTS = 50  # refusals per second that are logged and published as events, so that a flood does not cause another

Refused = Callable[[str, dict[str, Any]], None]


class CommandHandler:
    """Runs the commands of messages.

    `may_respond` returns whether a Response Topic may be used. After a refusal, `republish` is called with the name of
    the command, and `on_refused` with the name and the error, unless there are too many refusals.
    """

    def __init__(
        self,
        topics: Topics,
        sender: Sender,
        commands: Commands,
        may_respond: Callable[[str], bool],
        republish: Callable[[str], None],
        on_refused: Refused,
    ) -> None:
        self._topics = topics
        self._sender = sender
        self._commands = commands
        self._may_respond = may_respond
        self._republish = republish
        self._on_refused = on_refused
        self._reported_at: list[float] = []

    def run(self, request: Request) -> None:
        """Run the command of a message, and publish the response."""
        name, plain = self._topics.request(request.topic)
        if name is None:
            if self._may_report():
                log.warning("message on %s ignored: not the name of a command or control", request.topic[:100])
            return
        transaction: dict[str, object] = {}
        try:
            arguments = _plain(plain, request) if plain else self._arguments(name, request, transaction)
            response: dict[str, object] = {"ok": True, "result": self._commands.invoke(name, arguments)}
        except ApplianceError as error:
            response = self._refuse(name, error)
        except Exception:
            log.exception("%s failed", name)
            response = {"ok": False, **json_codec.INTERNAL_ERROR}
        self._respond(request, name, response | transaction)

    def refuse(self, request: Request) -> None:
        """Respond with `busy`, or with the error of the message itself."""
        name, plain = self._topics.request(request.topic)
        if name is None:
            return
        transaction: dict[str, object] = {}
        try:
            if not plain:
                self._arguments(name, request, transaction)
            error: ApplianceError = Busy("messages arrive faster than they can be processed; try again later")
        except ApplianceError as own_error:
            error = own_error
        self._respond(request, name, self._refuse(name, error) | transaction)

    def _arguments(self, name: str, request: Request, transaction: dict[str, object]) -> dict[str, Any]:
        """Return the arguments in a payload; its `transaction` is moved to the dictionary of that name.

        A payload that is not a JSON object means no arguments if the command accepts that, or does not exist. Raises
        TooLarge and InvalidRequest.
        """
        json_codec.check_size(request.size, "the payload")
        try:
            arguments = json_codec.arguments(request.payload, "the payload")
        except InvalidRequest:
            command = self._commands.get(name)
            if command and not command.declaration.is_run_by(request.payload.decode(errors="replace")):
                raise
            return {}
        if "transaction" in arguments:
            given = arguments.pop("transaction")
            _check_transaction(given)
            transaction["transaction"] = given
        return arguments

    def _refuse(self, name: str, error: ApplianceError) -> dict[str, object]:
        self._republish(name)
        if self._may_report():
            log.warning("%s refused: %s", name, error)
            self._on_refused(name, {"code": error.code, "message": str(error)})
        return {"ok": False, **json_codec.error(error.code, str(error))}

    def _may_report(self) -> bool:
        """Return whether another refusal may be reported in this second."""
        now = time.monotonic()
        self._reported_at = [each for each in self._reported_at if now - each < 1]
        if len(self._reported_at) >= _MAX_REPORTS:
            return False
        self._reported_at.append(now)
        return True

    def _respond(self, request: Request, name: str, response: dict[str, object]) -> None:
        topic, correlation = self._topics.response(name), None
        requested = request.response_topic
        if requested and self._may_respond(requested):
            topic, correlation = requested, request.correlation
        if not self._sender.publish(topic, json_codec.encode(response), retain=False, correlation=correlation):
            failure = {"ok": False, **json_codec.error("too_large", "the response is larger than the broker accepts")}
            if "transaction" in response:
                failure["transaction"] = response["transaction"]
            self._sender.publish(topic, json_codec.encode(failure), retain=False, correlation=correlation)


def _check_transaction(transaction: object) -> None:
    """Raise InvalidRequest for a value that cannot be encoded again: 1e999, which is infinite, or deep nesting."""
    try:
        json.dumps(transaction, allow_nan=False)
    except RecursionError:
        raise InvalidRequest("transaction: nested too deeply to be returned") from None
    except ValueError:
        raise InvalidRequest("transaction: a number in it is too large to be returned") from None


def _plain(name: str, request: Request) -> dict[str, Any]:
    """Return a plain value as the argument `name`. Raises TooLarge and InvalidRequest."""
    json_codec.check_size(request.size, "the payload")
    try:
        return {name: PlainValue(request.payload.decode())}
    except UnicodeDecodeError:
        raise InvalidRequest(f"{name}: the payload is not valid UTF-8") from None
