"""Every declared route is served, with the parameters that the OpenAPI document lists."""

import re

import pytest

from appliance.http.routes import API, PAGE, Route
from tests.running import RunningAppliance


@pytest.mark.parametrize("route", [*API, *PAGE], ids=lambda route: f"{route.method} {route.path}")
def test_a_declared_route_is_served(shared: RunningAppliance, route: Route) -> None:
    path = route.path.replace("{path}", "style.css").replace("{id}", "999999")
    refused = shared.ask("PUT", path)
    assert (refused.status, refused.error[0]) == (405, "method_not_allowed")
    answer = shared.ask("HEAD", path)
    if answer.status == 200 and route.method == "GET" and route.media_type:
        assert answer.headers["Content-Type"].split(";")[0] == route.media_type


def test_no_two_routes_have_the_same_method_and_path() -> None:
    keys = [(route.method, route.path) for route in (*API, *PAGE)]
    assert len(set(keys)) == len(keys)


def test_every_number_in_a_path_is_a_declared_parameter() -> None:
    for route in API:
        assert set(re.findall(r"{(\w+)}", route.path)) <= {each.name for each in route.parameters}


def test_openapi_lists_the_parameters_of_every_route(shared: RunningAppliance) -> None:
    paths = shared.ask("GET", "/api/openapi.json").json["paths"]
    for route in API:
        listed = paths[route.path][route.method.lower()]["parameters"]
        assert [each["name"] for each in listed] == [each.name for each in route.parameters]
