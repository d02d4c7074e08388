"""The demo's pages, one module a tab, and the guards of its server. `app.py` puts them together."""
