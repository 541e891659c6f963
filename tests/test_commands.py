"""A verb that is declared once can be called by name, with arguments that may be anything."""

from typing import Any

import pytest

from appliance.commands import Commands, checked, command
from appliance.errors import InvalidRequest, InvalidValue, NotFound, UnknownName
from appliance.parameters import Parameter, Text

LIMIT = Parameter(name="limit", kind="integer", minimum=1, maximum=500, default=50)
ID = Parameter(name="id", kind="integer", minimum=1, required=True)
NAMES = Parameter(name="names", kind="text", repeated=True, maximum_length=10)


class Robot:
    """Remembers what it was told to do."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Any]] = []

    @command("GET", "/robot", result="State")
    def get_state(self) -> dict[str, Any]:
        """How the robot is.

        This is not said.
        """
        return {"done": len(self.done)}

    @command("GET", "/robot/tasks", LIMIT, ID)
    def list_tasks(self, id: int, limit: int = 50) -> tuple[int, int]:
        """Some tasks."""
        return id, limit

    @command("POST", "/robot/dance", NAMES, status=201)
    def dance(self, names: list[str] | None = None) -> None:
        """Dance."""
        self.done.append(("dance", names))

    @command("PATCH", "/robot", free=True)
    def set_values(self, values: dict[str, object]) -> dict[str, object]:
        """Set anything."""
        return values

    @command("DELETE", "/robot/<id>", ID)
    def delete(self, id: int) -> None:
        """Fail."""
        raise NotFound(f"there is no task {id}")

    def no_command(self) -> None:
        """Not to be called from outside."""
        raise AssertionError

    @property
    def surprise(self) -> None:
        """Not to be looked at."""


@pytest.fixture
def commands() -> Commands:
    return Commands(Robot())


def test_the_declared_verbs_are_the_commands(commands: Commands) -> None:
    assert list(commands) == ["get_state", "list_tasks", "dance", "set_values", "delete"]
    assert len(commands) == 5
    declaration = commands["get_state"].declaration
    assert declaration.name == "get_state"
    assert declaration.help == "How the robot is."
    assert (declaration.method, declaration.path, declaration.result) == ("GET", "/robot", "State")
    assert (declaration.status, declaration.free, declaration.parameters) == (200, False, ())
    assert commands["dance"].declaration.status == 201
    assert commands["list_tasks"].declaration.parameters == (LIMIT, ID)


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("get_state", {}, {"done": 0}),
        ("list_tasks", {"id": 7}, (7, 50)),
        ("list_tasks", {"id": Text("7"), "limit": Text("3")}, (7, 3)),
        ("list_tasks", {"id": 7.0, "limit": 3}, (7, 3)),
        ("set_values", {"anything": [1], "": None}, {"anything": [1], "": None}),
        ("set_values", {}, {}),
    ],
)
def test_a_call_with_right_arguments_gives_the_result(
    commands: Commands, name: str, arguments: dict[str, object], result: object
) -> None:
    assert commands.invoke(name, arguments) == result


@pytest.mark.parametrize(
    ("name", "arguments", "kind", "message"),
    [
        ("get_stat", {}, UnknownName, 'there is no command "get_stat" (did you mean get_state?)'),
        ("no_command", {}, UnknownName, 'there is no command "no_command"'),
        ("__init__", {}, UnknownName, 'there is no command "__init__"'),
        ("", {}, UnknownName, 'there is no command ""'),
        ("get_state", {"a": 1}, UnknownName, 'there is no argument "a"; none is accepted'),
        (
            "list_tasks",
            {"id": 1, "limits": 5},
            UnknownName,
            'there is no argument "limits" (did you mean limit?); accepted: limit, id',
        ),
        (
            "list_tasks",
            {"x" * 100: 1, "y": 2},
            UnknownName,
            f'there is no argument "{"x" * 58}…; there is no argument "y"; accepted: limit, id',
        ),
        (
            "list_tasks",
            {f"{number}": 1 for number in range(12)},
            UnknownName,
            "; ".join(f'there is no argument "{number}"' for number in range(10)) + "; and 2 more; accepted: limit, id",
        ),
        ("list_tasks", {}, InvalidValue, "id: is missing; a whole number of at least 1"),
        ("list_tasks", {"id": None}, InvalidValue, "id: null is not a whole number of at least 1"),
        (
            "list_tasks",
            {"limit": 0},
            InvalidValue,
            "limit: 0 is not a whole number from 1 to 500; id: is missing; a whole number of at least 1",
        ),
        (
            "dance",
            {"names": "all"},
            InvalidValue,
            'names: "all" is not a list, each entry a text of at most 10 characters',
        ),
        ("dance", {"names": ["a", 5]}, InvalidValue, "names: 5 is not a text of at most 10 characters"),
        (
            "dance",
            {"names": None},
            InvalidValue,
            "names: null is not a list, each entry a text of at most 10 characters",
        ),
        (
            "get_state",
            [],
            InvalidRequest,
            "[] is not a JSON object: arguments are given by name, in {}",
        ),
        (
            "set_values",
            "on",
            InvalidRequest,
            '"on" is not a JSON object: arguments are given by name, in {}',
        ),
        ("set_values", None, InvalidRequest, "null is not a JSON object: arguments are given by name, in {}"),
        ("delete", {"id": 5}, NotFound, "there is no task 5"),
    ],
)
def test_a_call_with_wrong_arguments_is_refused_in_words(
    commands: Commands, name: str, arguments: object, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as refusal:
        commands.invoke(name, arguments)
    assert type(refusal.value) is kind
    assert str(refusal.value) == message


def test_a_refused_command_is_not_run() -> None:
    robot = Robot()
    with pytest.raises(InvalidValue):
        Commands(robot).invoke("dance", {"names": 5})
    assert robot.done == []


@pytest.mark.parametrize(
    ("arguments", "done"),
    [({}, None), ({"names": []}, []), ({"names": ["a", "b"]}, ["a", "b"])],
)
def test_a_list_may_be_left_out_or_empty(arguments: dict[str, object], done: list[str] | None) -> None:
    robot = Robot()
    Commands(robot).invoke("dance", arguments)
    assert robot.done == [("dance", done)]


def test_omitted_arguments_are_left_out() -> None:
    assert checked((LIMIT, NAMES), {}) == {}
    assert checked((LIMIT, NAMES), {"limit": 5}) == {"limit": 5}


def test_a_free_command_gets_a_mapping_of_its_own(commands: Commands) -> None:
    arguments: dict[str, object] = {"a": 1}
    assert commands.invoke("set_values", arguments) is not arguments


def test_a_command_is_still_a_method() -> None:
    assert Robot().get_state() == {"done": 0}
