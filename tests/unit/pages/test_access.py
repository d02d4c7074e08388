"""Who may ask the server."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from diat.pages.access import SiteGuard, hostname, site_hosts


def client(host: str = "127.0.0.1", *allowed: str) -> TestClient:
    async def answer(request):
        return PlainTextResponse("here")

    app = Starlette(
        routes=[Route("/", answer, methods=["GET", "POST"])],
        middleware=[Middleware(SiteGuard, hosts=site_hosts(host, allowed))],
    )
    return TestClient(app)


@pytest.mark.parametrize(
    ("host", "allowed", "asked", "status"),
    [
        ("127.0.0.1", (), "localhost:7860", 200),
        ("127.0.0.1", (), "127.0.0.1:7860", 200),
        ("127.0.0.1", (), "evil.example", 421),
        ("127.0.0.1", ("faces.example.org",), "Faces.Example.org", 200),
        ("0.0.0.0", (), "anything.example", 200),  # a container, which does not know its name
        ("0.0.0.0", ("faces.example.org",), "evil.example", 421),
    ],
)
def test_only_its_own_names_are_answered(host, allowed, asked, status):
    assert client(host, *allowed).get("/", headers={"Host": asked}).status_code == status


@pytest.mark.parametrize(
    ("origin", "status"), [(None, 200), ("http://localhost:7860", 200), ("http://evil.example", 403), ("null", 403)]
)
def test_another_sites_page_cannot_post(origin, status):
    headers = {"Host": "localhost:7860", **({"Origin": origin} if origin else {})}
    answered = client().post("/", headers=headers)
    assert answered.status_code == status
    assert client().get("/", headers=headers).status_code == 200


def test_answers_carry_security_headers():
    headers = client().get("/", headers={"Host": "localhost"}).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'self'" in headers["content-security-policy"]


def test_a_host_loses_its_port():
    assert [hostname(host) for host in ("A.b:80", "a.b", "[FE80::1]:80", "")] == ["a.b", "a.b", "[fe80::1]", ""]
