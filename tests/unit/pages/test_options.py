from diat.pages.options import MAX_AT_ONCE, MAX_QUEUE, parse


def test_options_and_their_defaults(monkeypatch):
    for name in ("GRADIO_SERVER_PORT", "GRADIO_SERVER_NAME", "GRADIO_ROOT_PATH"):
        monkeypatch.delenv(name, raising=False)
    args = parse([])
    assert (args.host, args.port, args.root_path, args.auth) == ("127.0.0.1", 7860, None, None)
    assert (args.queue, args.concurrency, args.log_level) == (MAX_QUEUE, MAX_AT_ONCE, "info")
    assert not args.share and not args.mcp
    args = parse(["--queue", "7", "--concurrency", "1", "--share", "--mcp"])
    assert (args.queue, args.concurrency, args.share, args.mcp) == (7, 1, True, True)
    assert parse(["--auth", "a:b", "--auth", "c:d:e"]).auth == [("a", "b"), ("c", "d:e")]


def test_gradios_own_variables_are_the_defaults(monkeypatch):
    monkeypatch.setenv("GRADIO_SERVER_PORT", "8001")
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    monkeypatch.setenv("GRADIO_ROOT_PATH", "/faces")
    args = parse([])
    assert (args.host, args.port, args.root_path) == ("0.0.0.0", 8001, "/faces")
