"""What Gradio keeps of visitors and calls is forgotten in time. The server is Gradio's own, without our pages."""

import json
import urllib.request
from datetime import timedelta

import gradio as gr
import pytest
from starlette.middleware import Middleware

from diat.pages.sessions import CALL_SECONDS, CLOSED_SECONDS, SessionKeeper


@pytest.fixture(scope="module")
def demo():
    with gr.Blocks(analytics_enabled=False) as demo:
        text, state = gr.Text(), gr.State()
        text.change(lambda text: text, text, text, api_name="plain")
        text.change(lambda text, _: text, [text, state], state, api_name="kept")
    keeper = Middleware(SessionKeeper, demo=demo)
    demo.launch(prevent_thread_lock=True, quiet=True, ssr_mode=False, app_kwargs={"middleware": [keeper]})
    yield demo
    demo.close()


@pytest.fixture
def keeper(demo):
    demo.state_holder.session_data.clear()
    demo.state_holder.time_last_used.clear()
    return SessionKeeper(demo.app, demo)


def call(demo, name, session=None):
    """As a program, or as a page that has a session."""
    body = json.dumps({"data": ["x"], "session_hash": session}).encode()
    address = f"{demo.local_url}gradio_api/call/{name}"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    event = json.load(urllib.request.urlopen(request, timeout=20))["event_id"]
    assert b"complete" in urllib.request.urlopen(f"{address}/{event}", timeout=20).read()


def age(demo, seconds):
    """As if everything had been used so much earlier."""
    for name in demo.state_holder.time_last_used:
        demo.state_holder.time_last_used[name] -= timedelta(seconds=seconds)


def test_a_call_of_a_program_is_forgotten_after_a_minute(demo, keeper):
    for _ in range(3):
        call(demo, "plain")
    holder = demo.state_holder
    keeper.forget()
    assert len(holder.session_data) == 3
    age(demo, CALL_SECONDS + 1)
    keeper.forget()
    assert not holder.session_data and not holder.time_last_used


def test_the_server_itself_forgets_them(demo, keeper, monkeypatch):
    monkeypatch.setattr("diat.pages.sessions.INTERVAL", 0)
    for _ in range(3):
        call(demo, "plain")
        age(demo, CALL_SECONDS + 1)
    urllib.request.urlopen(demo.local_url, timeout=20)
    assert not demo.state_holder.session_data


def test_what_an_open_page_works_on_is_kept_and_of_a_closed_one_until_its_uploads_are_gone(demo, keeper):
    call(demo, "kept", "page")
    age(demo, 100 * CLOSED_SECONDS)
    keeper.forget()
    (session,) = demo.state_holder.session_data.values()
    assert list(session.state_data.values()) == ["x"]
    demo.state_holder["page"].is_closed = True
    age(demo, CLOSED_SECONDS - 10)
    keeper.forget()
    assert "page" in demo.state_holder
    age(demo, 20)
    keeper.forget()
    assert "page" not in demo.state_holder
