"""Who may do what: every route and method, for everybody."""

import http.cookies
import re
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

import pytest

from appliance.daemon import Daemon
from appliance.errors import ApplianceError
from appliance.http.access import SESSION_LIFETIME, Access, Credentials
from appliance.http.errors import LoginRequired, TooManyRequests
from appliance.settings import HttpSettings, load
from tests.http.conftest import (
    ADMIN,
    PASSWORD,
    TOKEN,
    VIEWER,
    VIEWER_PASSWORD,
    VIEWER_TOKEN,
    basic,
    bearer,
    quick_hash,
)
from tests.running import PATIENCE, Answer, RunningAppliance

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/api/access"),
    ("GET", "/web/<path>"),
    ("GET", "/favicon.ico"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("POST", "/logout"),
}
"""All that is open to everybody: what one needs to log in, and whether the appliance is well."""

NOBODY: dict[str, str] = {}


@pytest.fixture(scope="module")
def routes(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str | None]]:
    """Every route as (method, path, right), of all that the daemon serves."""
    folder = tmp_path_factory.mktemp("routes")
    flags = {"storage.directory": str(folder), "pictures.directory": str(folder / "pictures")}
    settings, _ = load(flags=flags, environment={}, dotenv=None)
    application = Daemon(settings, lambda: settings).application
    return [
        (route.method, re.sub(r"<\w+:path>", "<path>", route.rule), route.config.get("right", "control"))
        for route in application.routes
    ]


def example(rule: str) -> str:
    return re.sub(r"<id:[^>]*>", "999999", rule.replace("<path>", "style.css"))


def ask(
    appliance: RunningAppliance, method: str, path: str, headers: dict[str, str], address: str, **more: Any
) -> Answer:
    return appliance.ask(method, path, headers={**headers, "X-Forwarded-For": address}, **more)


def test_public_routes_are_on_a_short_list(routes: list[tuple[str, str, str | None]]) -> None:
    assert {(method, rule) for method, rule, right in routes if right is None} == PUBLIC


def test_changes_need_control_and_everything_shown_needs_view(
    routes: list[tuple[str, str, str | None]],
) -> None:
    for method, rule, right in routes:
        if (method, rule) not in PUBLIC:
            assert right == ("view" if method == "GET" else "control"), f"{method} {rule}"


def test_every_route_and_method_requires_its_right(
    protected: RunningAppliance, routes: list[tuple[str, str, str | None]]
) -> None:
    """Walk every path with every method: as nobody, as who may view, with wrong secrets. Nothing is changed by it."""
    rights = {(method, rule): right for method, rule, right in routes}
    rights |= {("HEAD", rule): right for method, rule, right in routes if method == "GET"}
    wrong = [basic("admin", VIEWER_PASSWORD), basic("viewer", PASSWORD), basic("", ""), bearer("x" * 20)]
    wrong += [{"Authorization": "Basic ???"}, {"Authorization": "Digest a=b"}, {"Authorization": "Bearer"}]
    number = 0
    client = HTTPConnection("127.0.0.1", protected.port, timeout=PATIENCE)

    def status(method: str, rule: str, headers: dict[str, str]) -> int:
        """Ask from an address that has not guessed yet."""
        nonlocal number
        number += 1
        address = f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"
        client.request(method, example(rule), headers={**headers, "X-Forwarded-For": address})
        with client.getresponse() as response:
            response.read()
            return response.status

    for rule in {rule for _, rule, _ in routes}:
        for method in METHODS:
            if (method, rule) not in rights:
                assert status(method, rule, NOBODY) == 405, f"{method} {rule}"
                continue
            right = rights[method, rule]
            if right is None:
                continue
            for headers in (NOBODY, *wrong):
                assert status(method, rule, headers) == 401, f"{method} {rule} with {headers}"
            if right == "control":
                assert status(method, rule, VIEWER) == 403, f"{method} {rule}"
    client.close()
    assert number > 300


@pytest.mark.parametrize("headers", [VIEWER, bearer(VIEWER_TOKEN), ADMIN, bearer(TOKEN)], ids=str)
def test_a_viewer_gets_everything_there_is_to_see(
    protected: RunningAppliance, routes: list[tuple[str, str, str | None]], headers: dict[str, str]
) -> None:
    for method, rule, right in routes:
        if right == "view":
            answer = ask(protected, "HEAD", example(rule), headers, "10.200.0.1")
            there_is_none = "999999" in example(rule) or rule.endswith(".zip")
            assert answer.status in ((200, 404) if there_is_none else (200,)), f"{method} {rule}"


@pytest.mark.parametrize("headers", [ADMIN, bearer(TOKEN)], ids=["password", "token"])
def test_a_user_with_control_changes_things(protected: RunningAppliance, headers: dict[str, str]) -> None:
    taken = ask(protected, "POST", "/api/pictures", headers, "10.200.0.2")
    assert taken.status == 201
    assert ask(protected, "DELETE", f"/api/pictures/{taken.json['id']}", headers, "10.200.0.2").status == 200


def test_a_refusal_says_which_right_is_missing(protected: RunningAppliance) -> None:
    nobody = ask(protected, "POST", "/api/pictures", NOBODY, "10.200.0.3")
    assert nobody.error == ("login_required", "the right to control is required: log in, or send a token")
    assert nobody.headers["WWW-Authenticate"] == 'Basic realm="camera", charset="UTF-8"'
    viewer = ask(protected, "POST", "/api/pictures", VIEWER, "10.200.0.3")
    assert viewer.error == ("not_permitted", "the right to control is required, which viewer does not have")


@pytest.mark.parametrize("token", [VIEWER_TOKEN, TOKEN], ids=["viewer", "control"])
def test_a_token_in_the_address_shows_and_never_controls(protected: RunningAppliance, token: str) -> None:
    for path in ("/snapshot.jpg", "/api/state", "/api/pictures?limit=5&", "/metrics"):
        joined = path if path.endswith("&") else f"{path}?"
        assert ask(protected, "GET", f"{joined}token={token}", NOBODY, "10.200.0.4").status == 200, path
    for method, path in (("POST", "/api/pictures"), ("PUT", "/api/privacy"), ("DELETE", "/api/pictures/1")):
        answer = ask(protected, method, f"{path}?token={token}", NOBODY, "10.200.0.4")
        assert (answer.status, answer.error[0]) == (403, "not_permitted"), path


def test_a_wrong_token_in_the_address_is_refused_even_if_none_is_needed(
    protected: RunningAppliance,
) -> None:
    assert ask(protected, "GET", "/api/state?token=wrong", NOBODY, "10.200.0.5").status == 401
    assert ask(protected, "GET", "/api/state?token=", NOBODY, "10.200.0.5").status == 401


def test_health_is_told_to_everybody_its_reasons_only_to_who_may_view(protected: RunningAppliance) -> None:
    assert ask(protected, "GET", "/healthz", NOBODY, "10.200.0.6").json == {"ok": True}
    assert ask(protected, "GET", "/healthz", VIEWER, "10.200.0.6").json["camera"] == "online"
    ask(protected, "PUT", "/api/privacy", ADMIN, "10.200.0.6", body={"on": True})
    try:
        assert ask(protected, "GET", "/healthz", NOBODY, "10.200.0.6").json == {"ok": True}
    finally:
        ask(protected, "PUT", "/api/privacy", ADMIN, "10.200.0.6", body={"on": False})


# ---------------------------------------------------------------------- logging in


def log_in(appliance: RunningAppliance, user: str, password: str, address: str, **headers: str) -> Answer:
    """Log in as the form does it without scripts; redirects are not followed."""
    connection = HTTPConnection("127.0.0.1", appliance.port, timeout=30)
    body = urlencode({"user": user, "password": password})
    form = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": address, **headers}
    connection.request("POST", "/login", body, form)
    response = connection.getresponse()
    answer = Answer(response.status, response.headers, response.read())
    connection.close()
    return answer


def cookie_of(answer: Answer) -> http.cookies.Morsel[str]:
    (morsel,) = http.cookies.SimpleCookie(answer.headers["Set-Cookie"]).values()
    return morsel


def session_of(answer: Answer) -> dict[str, str]:
    morsel = cookie_of(answer)
    return {"Cookie": f"{morsel.key}={morsel.value}"}


def test_a_log_in_gives_a_session_that_no_script_and_no_other_site_can_use(protected: RunningAppliance) -> None:
    answer = log_in(protected, "admin", PASSWORD, "10.201.0.1")
    assert (answer.status, answer.headers["Location"]) == (303, "./")
    morsel = cookie_of(answer)
    assert (morsel["httponly"], morsel["samesite"].lower(), morsel["path"]) == (True, "strict", "/")
    assert morsel["secure"] == ""
    assert len(morsel.value) >= 40
    session = session_of(answer)
    assert ask(protected, "GET", "/api/state", session, "10.201.0.2").status == 200
    taken = ask(protected, "POST", "/api/pictures", session, "10.201.0.2")
    assert taken.status == 201
    assert ask(protected, "DELETE", f"/api/pictures/{taken.json['id']}", session, "10.201.0.2").status == 200
    assert ask(protected, "GET", "/api/access", session, "10.201.0.2").json == {
        "user": "admin",
        "rights": ["control", "view"],
        "users": ["admin", "viewer"],
    }


def test_behind_a_proxy_that_speaks_tls_the_cookie_never_leaves_it(protected: RunningAppliance) -> None:
    answer = log_in(protected, "viewer", VIEWER_PASSWORD, "10.201.0.3", **{"X-Forwarded-Proto": "https"})
    assert cookie_of(answer)["secure"] is True


def test_a_viewers_session_shows_and_does_not_control(protected: RunningAppliance) -> None:
    session = session_of(log_in(protected, "viewer", VIEWER_PASSWORD, "10.201.0.4"))
    assert ask(protected, "GET", "/api/state", session, "10.201.0.4").status == 200
    assert ask(protected, "POST", "/api/pictures", session, "10.201.0.4").status == 403


def test_after_the_log_out_the_session_is_worth_nothing(protected: RunningAppliance) -> None:
    session = session_of(log_in(protected, "admin", PASSWORD, "10.201.0.5"))
    assert ask(protected, "GET", "/api/state", session, "10.201.0.5").status == 200
    left = ask(protected, "POST", "/logout", session, "10.201.0.5")
    assert left.status == 200, "urllib has followed to the page to log in"
    assert b'type="password"' in left.body
    assert ask(protected, "GET", "/api/state", session, "10.201.0.5").status == 401


def test_a_forged_session_is_refused_and_is_no_failed_log_in(protected: RunningAppliance) -> None:
    for _ in range(20):
        forged = {"Cookie": "camera-appliance-camera=" + 43 * "x"}
        assert ask(protected, "GET", "/api/state", forged, "10.201.0.6").status == 401


def test_a_failed_log_in_shows_the_form_again_with_the_typed_user(
    protected: RunningAppliance,
) -> None:
    answer = log_in(protected, '"><script>', "wrong", "10.201.0.7")
    assert answer.status == 401
    assert "Set-Cookie" not in answer.headers
    text = answer.body.decode()
    assert "The user name or the password is wrong." in text
    assert "<script>" not in text
    assert 'value="&quot;&gt;&lt;script&gt;"' in text


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"user": "admin", "password": PASSWORD}, 200),
        ({"user": "admin", "password": "x"}, 401),
        ({"user": "admin"}, 400),
        ({"user": 1, "password": 2}, 400),
        ({"user": "admin", "password": "x" * 5000}, 400),
    ],
    ids=["good", "wrong", "half", "numbers", "long"],
)
def test_a_script_logs_in_with_json(protected: RunningAppliance, body: object, status: int) -> None:
    answer = ask(protected, "POST", "/login", NOBODY, "10.201.0.8", body=body)
    assert answer.status == status
    assert ("Set-Cookie" in answer.headers) == (status == 200)


def test_a_browser_is_shown_the_page_to_log_in_and_a_program_an_error(protected: RunningAppliance) -> None:
    browser = {"Accept": "text/html,application/xhtml+xml", "User-Agent": "Mozilla/5.0", "Accept-Language": "de"}
    for path in ("/", "/snapshot.jpg", "/api/pictures/7.jpg"):
        page = ask(protected, "GET", path, browser, "10.201.0.9")
        assert page.status == 200, "urllib has followed to the page to log in"
        assert b'type="password"' in page.body, path
    assert ask(protected, "GET", "/", NOBODY, "10.201.0.9").status == 401
    script = {**browser, "Accept": "*/*"}
    refused = ask(protected, "GET", "/api/state", script, "10.201.0.9")
    assert (refused.status, refused.headers["WWW-Authenticate"]) == (401, "Bearer"), "no window of the browser's own"


def test_guessing_passwords_is_slowed_down_for_that_address_only(protected: RunningAppliance) -> None:
    known = {**ADMIN}
    assert ask(protected, "GET", "/api/state", known, "10.202.0.1").status == 200
    guesses = [ask(protected, "GET", "/api/state", basic("admin", f"x{n}"), "10.202.0.1") for n in range(12)]
    assert [guess.status for guess in guesses[:3]] == [401] * 3
    assert guesses[-1].status == 429
    assert guesses[-1].error[0] == "too_many_requests"
    assert int(guesses[-1].headers["Retry-After"]) >= 1
    # Neither another way in, nor the right password, tells a guesser more than the wrong one.
    assert log_in(protected, "admin", PASSWORD, "10.202.0.1").status == 429
    assert ask(protected, "GET", "/api/state", bearer(TOKEN), "10.202.0.1").status == 429
    # Who was let in before at that address, and everybody elsewhere, notices nothing.
    assert ask(protected, "GET", "/api/state", known, "10.202.0.1").status == 200
    assert ask(protected, "GET", "/api/state", known, "10.202.0.2").status == 200
    assert log_in(protected, "admin", PASSWORD, "10.202.0.2").status == 303


def test_the_log_names_who_guesses_once_and_no_secret_ever(protected: RunningAppliance) -> None:
    for number in range(30):
        ask(protected, "GET", "/api/state", basic("admin", f"guess-{number}"), "10.202.0.3")
        ask(protected, "GET", f"/api/state?token=guess-{number}", NOBODY, "10.202.0.3")
    assert protected.log.count("10.202.0.3: too many failed log-ins, rate-limited") == 1
    for secret in (PASSWORD, VIEWER_PASSWORD, TOKEN, VIEWER_TOKEN, "guess-"):
        assert secret not in protected.log


def test_openapi_says_for_each_route_what_it_asks_for(
    protected: RunningAppliance, routes: list[tuple[str, str, str | None]]
) -> None:
    document = ask(protected, "GET", "/api/openapi.json", VIEWER, "10.203.0.1").json
    schemes = document["components"]["securitySchemes"]
    rights = {(method.lower(), re.sub(r"<(\w+):re:[^>]*>", r"{\1}", rule)): right for method, rule, right in routes}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            ways = {name for way in operation["security"] for name in way}
            assert ways <= set(schemes)
            expected = {
                None: set(),
                "view": {"password", "token", "session", "address"},
                "control": {"password", "token", "session"},
            }
            assert ways == expected[rights[method, path]], f"{method} {path}"
            assert ("401" in operation["responses"]) == bool(ways)


# ---------------------------------------------------------------------- one password, and everybody may view


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAppliance]:
    """An appliance that everybody may see, and `admin` controls."""
    environment = {"CAMERA_APPLIANCE_HTTP_PASSWORD": PASSWORD, "CAMERA_APPLIANCE_HTTP_VIEWER_OPEN": "true"}
    with RunningAppliance(tmp_path_factory.mktemp("shown"), environment=environment) as appliance:
        yield appliance.until_live()


def test_where_everybody_may_view_only_changes_need_a_log_in(shown: RunningAppliance) -> None:
    assert shown.ask("GET", "/", headers={"Accept": "text/html"}).body.count(b"<canvas") == 1
    assert shown.ask("GET", "/snapshot.jpg").status == 200
    assert shown.ask("GET", "/healthz").json["camera"] == "online"
    assert shown.ask("POST", "/api/pictures").status == 401
    assert shown.ask("POST", "/api/pictures", headers=ADMIN).status == 201
    assert shown.ask("GET", "/api/access").json == {"user": None, "rights": ["view"], "users": ["admin"]}
    assert shown.ask("GET", "/api/state", headers=basic("admin", "wrong")).status == 401


def test_an_open_appliance_asks_for_nothing(shared: RunningAppliance) -> None:
    assert shared.ask("GET", "/api/access").json == {"user": None, "rights": ["control", "view"], "users": []}
    assert shared.ask("GET", "/api/state", headers=basic("anybody", "anything")).status == 200
    assert shared.ask("GET", "/login").status == 404


# ---------------------------------------------------------------------- what time and numbers do


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def quick() -> str:
    return quick_hash("secret")


def test_a_session_ends_after_its_time(quick: str) -> None:
    clock = Clock()
    access = Access(HttpSettings(password=quick), clock)
    session = access.log_in("admin", "secret", "10.0.0.1")
    assert access.identify(Credentials("10.0.0.1", session=session)).user == "admin"
    clock.now += SESSION_LIFETIME - 1
    assert access.identify(Credentials("10.0.0.1", session=session)).user == "admin"
    clock.now += 2
    assert access.identify(Credentials("10.0.0.1", session=session)).user is None


def test_sessions_are_bounded_the_one_longest_unused_ends(quick: str) -> None:
    access = Access(HttpSettings(password=quick))
    sessions = [access.log_in("admin", "secret", "10.0.0.1") for _ in range(256)]
    access.identify(Credentials("10.0.0.1", session=sessions[0]))
    access.log_in("admin", "secret", "10.0.0.1")
    assert access.identify(Credentials("10.0.0.1", session=sessions[0])).user == "admin"
    assert access.identify(Credentials("10.0.0.1", session=sessions[1])).user is None


def test_a_viewer_who_logs_in_again_and_again_logs_nobody_else_out(quick: str) -> None:
    access = Access(HttpSettings(password=quick, viewer_password=quick))
    session = access.log_in("admin", "secret", "10.0.0.1")
    for _ in range(300):
        access.log_in("viewer", "secret", "10.0.0.2")
    assert access.identify(Credentials("10.0.0.1", session=session)).user == "admin"


def test_a_password_given_plainly_is_not_kept() -> None:
    access = Access(HttpSettings(password="secret", viewer_token="t" * 20))
    assert "secret" not in repr(vars(access))
    assert "t" * 20 not in repr(vars(access))
    assert access.identify(Credentials("10.0.0.1", basic("admin", "secret")["Authorization"])).user == "admin"


@pytest.mark.parametrize("sent", ["Basic", "Basic ", "Basic =", "Basic YQ==", "Basic /w==", "Bearer ", " ", "x" * 9999])
def test_a_damaged_authorization_is_a_refusal_not_a_defect(quick: str, sent: str) -> None:
    access = Access(HttpSettings(password=quick))
    with pytest.raises(LoginRequired):
        access.identify(Credentials("10.0.0.1", sent))


def test_a_good_credential_from_another_address_is_a_guess_like_any_other(quick: str) -> None:
    """What one address proved must not let another one guess past being slowed."""
    access = Access(HttpSettings(password=quick))
    good = basic("admin", "secret")["Authorization"]
    assert access.identify(Credentials("10.0.0.1", good)).user == "admin"
    for number in range(10):
        with pytest.raises(ApplianceError):
            access.identify(Credentials("10.0.0.2", basic("admin", str(number))["Authorization"]))
    with pytest.raises(TooManyRequests):
        access.identify(Credentials("10.0.0.2", good))
    assert access.identify(Credentials("10.0.0.1", good)).user == "admin"
