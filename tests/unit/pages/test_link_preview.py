import re

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from diat.pages.first_sight import LINK_PICTURE, LINK_PICTURE_SIZE
from diat.pages.link_preview import SENTENCE, TITLE, LinkPreview, link_preview_route

GRADIOS = """<html><head><meta property="og:title" content="Gradio" />
<meta
    property="og:image"
    content="https://elsewhere.example/a.jpg"
/><meta name="twitter:title" content="Gradio" /><meta charset="utf-8" /></head><body>page</body></html>"""


def client(root: str = "") -> TestClient:
    async def page(_):
        return HTMLResponse(GRADIOS)

    async def other(_):
        return PlainTextResponse(GRADIOS)

    routes = [Route("/", page), Route("/other", other), link_preview_route()]
    return TestClient(Starlette(routes=routes, middleware=[Middleware(LinkPreview, root_path=root)]))


def tags(page: str) -> dict[str, str]:
    return dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)"', page))


@pytest.mark.parametrize(
    ("root", "headers", "address"),
    [
        ("", {}, "http://testserver/"),
        ("/faces", {"x-forwarded-proto": "https", "x-forwarded-host": "a.example"}, "https://a.example/faces/"),
        ("https://b.example/faces", {}, "https://b.example/faces/"),
        ("", {"x-forwarded-host": '"><script>'}, "http://&quot;&gt;&lt;script&gt;/"),
    ],
)
def test_a_link_shows_the_demos_own_title_sentence_and_picture(root, headers, address):
    page = client(root).get("/", headers=headers).text
    said = tags(page)
    assert said["og:title"] == TITLE and said["og:description"] == said["description"] == SENTENCE
    assert said["og:url"] == address and said["og:image"] == f"{address}link_preview.jpg"
    assert "Gradio" not in page and "elsewhere" not in page
    fetched = re.findall('<link rel="preload" as="image" href="(.*?)">', page)
    assert [path.startswith(f"{root and '/faces'}/gradio_api/file=/") for path in fetched] == [True, True]
    assert page.index('charset="utf-8"') and page.endswith("<body>page</body></html>")


def test_the_page_is_compressed_for_who_takes_it():
    plain, small = (client().get("/", headers={"accept-encoding": taken}) for taken in ("identity", "gzip, br"))
    assert "content-encoding" not in plain.headers and small.headers["content-encoding"] == "gzip"
    assert small.text == plain.text
    assert int(small.headers["content-length"]) < int(plain.headers["content-length"])


def test_what_is_not_the_page_is_left_alone():
    assert client().get("/other").text == GRADIOS


def test_the_picture_is_served_as_large_as_is_said():
    reply = client().get("/link_preview.jpg")
    assert reply.headers["content-type"] == "image/jpeg" and reply.content == LINK_PICTURE.read_bytes()
    assert Image.open(LINK_PICTURE).size == LINK_PICTURE_SIZE
