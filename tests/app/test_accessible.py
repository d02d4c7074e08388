"""axe-core's look at every tab, light and dark, in real Chromium."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from diat.attributes import ATTRIBUTES

TABS = ("Photo", "Webcam", "Video", "Batch", "Edited?")


def findings(page: Page) -> list[str]:
    """What is serious or critical, each with the first element that it is about."""
    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']}: {rule['help']}: {rule['nodes'][0]['html'][:200]}"
        for rule in found
        if rule["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_any_tab(page, scheme, shoot):
    page.emulate_media(color_scheme=scheme)
    page.reload()
    page.wait_for_selector("#photo")
    seen = {}
    for tab in TABS:
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_timeout(300)
        seen[tab] = findings(page)
        shoot(f"{scheme}-{tab}")
    page.get_by_role("tab", name="Photo", exact=True).click()
    page.locator("#examples button.picture").first.click()
    expect(page.locator("#effects img")).to_have_count(len(ATTRIBUTES), timeout=60_000)
    seen["a result"] = findings(page)
    assert not {tab: found for tab, found in seen.items() if found}
