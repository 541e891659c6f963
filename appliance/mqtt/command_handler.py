"""Do what a message asks for, and answer."""

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

_MAX_REPORTS = 50  # refusals a second that are logged and told as events; a flood must not become another

Refused = Callable[[str, dict[str, Any]], None]


class CommandHandler:
    """Runs commands that came as messages.

    `may_answer` tells of a Response Topic whether it may be used. After a refusal `correct` is called with the command,
    and `refused` with the error too, unless there are too many.
    """

    def __init__(
        self,
        topics: Topics,
        sender: Sender,
        commands: Commands,
        may_answer: Callable[[str], bool],
        republish: Callable[[str], None],
        on_refused: Refused,
    ) -> None:
        self._topics = topics
        self._sender = sender
        self._commands = commands
        self._may_answer = may_answer
        self._republish = republish
        self._on_refused = on_refused
        self._reported_at: list[float] = []

    def run(self, request: Request) -> None:
        """Run the command that a message gives, and answer."""
        name, plain = self._topics.request(request.topic)
        if name is None:
            if self._may_report():
                log.warning("message on %s ignored: not the name of a command or control", request.topic[:100])
            return
        transaction: dict[str, object] = {}
        try:
            arguments = _plain(plain, request) if plain else self._arguments(name, request, transaction)
            answer: dict[str, object] = {"ok": True, "result": self._commands.invoke(name, arguments)}
        except ApplianceError as error:
            answer = self._refuse(name, error)
        except Exception:
            log.exception("%s failed", name)
            answer = {"ok": False, **json_codec.INTERNAL_ERROR}
        self._answer(request, name, answer | transaction)

    def refuse(self, request: Request) -> None:
        """Answer that there is too much to do."""
        name, plain = self._topics.request(request.topic)
        if name is None:
            return
        transaction: dict[str, object] = {}
        try:
            if not plain:
                self._arguments(name, request, transaction)
            error: ApplianceError = Busy("messages arrive faster than they can be processed; try again later")
        except ApplianceError as its_own:
            error = its_own
        self._answer(request, name, self._refuse(name, error) | transaction)

    def _arguments(self, name: str, request: Request, transaction: dict[str, object]) -> dict[str, Any]:
        """Return the arguments in a payload. Its `transaction` is put aside. Raises TooLarge and InvalidRequest.

        A payload that is no JSON object means no arguments where the command says so, and where there is no such
        command.
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
        """Return whether one more refusal this second may be spoken of."""
        now = time.monotonic()
        self._reported_at = [each for each in self._reported_at if now - each < 1]
        if len(self._reported_at) >= _MAX_REPORTS:
            return False
        self._reported_at.append(now)
        return True

    def _answer(self, request: Request, name: str, answer: dict[str, object]) -> None:
        topic, correlation = self._topics.response(name), None
        requested = request.response_topic
        if requested and self._may_answer(requested):
            topic, correlation = requested, request.correlation
        if not self._sender.publish(topic, json_codec.encode(answer), retain=False, correlation=correlation):
            failure = {"ok": False, **json_codec.error("too_large", "the answer is larger than the broker takes")}
            if "transaction" in answer:
                failure["transaction"] = answer["transaction"]
            self._sender.publish(topic, json_codec.encode(failure), retain=False, correlation=correlation)


def _check_transaction(transaction: object) -> None:
    """Raise InvalidRequest for what can be read but not be sent back: 1e999, which is infinite, or a deep nest."""
    try:
        json.dumps(transaction, allow_nan=False)
    except RecursionError:
        raise InvalidRequest("transaction: nested too deeply to be sent back") from None
    except ValueError:
        raise InvalidRequest("transaction: a number in it is too large to be sent back") from None


def _plain(name: str, request: Request) -> dict[str, Any]:
    """Return a plain value as the argument of that name. Raises InvalidRequest."""
    json_codec.check_size(request.size, "the payload")
    try:
        return {name: PlainValue(request.payload.decode())}
    except UnicodeDecodeError:
        raise InvalidRequest(f"{name}: the payload is not a text in UTF-8") from None
