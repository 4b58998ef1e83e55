"""The journey, and every page: no serious accessibility violation, nothing too wide, a calm console."""

import re
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.e2e.web import away, haste, states
from tests.e2e.web.conftest import Opens, live, shot, sign_in
from tests.e2e.web.journey import walk
from tests.e2e.web.site import EMAIL, Site

PAGES = {
    "overview": "/", "bot": "/bots/{bot}", "studies": "/studies", "study": "/studies/{study}", "new": "/studies/new",
    "jobs": "/jobs", "backtest": "/jobs/{backtest}", "sweep": "/jobs/{sweep}", "accounts": "/accounts",
    "reports": "/reports", "alerts": "/alerts", "system": "/system", "profile": "/profile",
}  # fmt: skip


@pytest.fixture(scope="module")
def ids(site: Site) -> dict[str, int]:
    owner = site.user(role="admin")
    site.user("viewer@example.org", "viewer")
    site.candles()
    bot = site.bots(owner)
    return {"bot": bot, "paused": bot + 1, "unstarted": bot + 2, **site.papers(owner)}


def test_the_journey(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    walk(site, opens())


def serious(page: Page, colours: bool = True) -> list[Any]:
    """What axe finds. Behind a dialog it takes the body for the background of every button: no `colours` there."""
    options = {"rules": {"color-contrast": {"enabled": colours}}}
    found = Axe().run(page, options=options).response["violations"]
    return [
        (each["id"], [node["html"] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("phone", "dark"), [(False, False), (True, True), (False, True), (True, False)])
def test_pages_are_accessible_and_fit(site: Site, opens: Opens, ids: dict[str, int], phone: bool, dark: bool) -> None:
    look = f"{'phone' if phone else 'desktop'}-{'dark' if dark else 'light'}"
    page = opens(phone=phone, dark=dark)
    problems = {"sign-in": serious(page)}
    shot(page, f"{look}-sign-in")
    sign_in(page)
    full = phone == dark  # the other two looks: where colours and charts are
    for name, path in PAGES.items():
        if not full and name not in ("overview", "bot"):
            continue
        page.goto(site.url + path.format(**ids))
        live(page)
        if name in ("bot", "sweep"):
            page.locator(".js-plotly-plot .main-svg").first.wait_for()
        problems[name] = serious(page)
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= page.viewport_size["width"], f"{name} is {width} px wide"
        expect(page.locator("body")).to_have_class(re.compile("body--dark" if dark else "body--light"))
        shot(page, f"{look}-{name}")
    assert {name: found for name, found in problems.items() if found} == {}


def test_dialogs_are_accessible_and_the_keyboard_reaches_them(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    page = sign_in(opens())
    live(page)
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.get_by_role("button", name="Kill switch", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").wait_for()
    assert serious(page, colours=False) == []
    shot(page, "dialog-kill")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    for path, name in (("/accounts", "Add an account"), ("/reports", "New report"), ("/alerts", "Add a target")):
        page.goto(site.url + path)
        live(page)
        page.get_by_role("button", name=name).click()
        page.get_by_role("dialog").wait_for()
        assert serious(page, colours=False) == [], name
        shot(page, f"dialog-{name.lower().replace(' ', '-')}")


def test_theme_is_kept(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    page = sign_in(opens())
    page.goto(site.url + "/profile")
    live(page)
    page.get_by_role("button", name="Dark", exact=True).click()
    page.locator("body.body--dark").wait_for()
    page.reload()
    page.locator("body.body--dark").wait_for()


def test_viewers_are_offered_nothing_to_change(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    page = live(sign_in(opens(), "viewer@example.org"))
    expect(page.get_by_role("button", name="Kill switch")).to_have_count(0)
    page.goto(site.url + f"/bots/{ids['bot']}")
    expect(page.get_by_role("heading", name="Not here")).to_be_visible()  # another's bot


def test_a_report_opens_in_a_sandbox(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    page = sign_in(opens())
    answer = page.goto(f"{site.url}/reports/{ids['report']}/html")
    assert answer is not None
    assert answer.headers["content-security-policy"].startswith("sandbox")
    expect(page.get_by_role("heading", name="Candles")).to_be_visible()


def test_strangers(site: Site, opens: Opens) -> None:
    page = opens("/bots/1")
    expect(page.get_by_role("heading", name="Sign in to AutoGrid")).to_be_visible()
    assert page.url.endswith("/sign-in?next=/bots/1")
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("e-mail address or password is wrong")).to_be_visible()


def test_a_link_to_sign_in_does_not_lead_elsewhere(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    page = sign_in(opens("/sign-in?next=//example.org/"))
    assert page.url == site.url + "/"


def test_probes_and_headers(site: Site) -> None:
    health = httpx.get(site.url + "/healthz", timeout=60)
    assert health.json() == {"status": "ok"}
    assert "frame-ancestors 'none'" in health.headers["content-security-policy"]
    assert health.headers["x-content-type-options"] == "nosniff"
    metrics = httpx.get(site.url + "/metrics", timeout=60).text
    assert 'autogrid_build_info{component="web"' in metrics
    assert 'route="/healthz"' in metrics
    proxied = httpx.get(site.url + "/metrics", headers={"X-Forwarded-For": "203.0.113.9"}, timeout=60)
    assert proxied.status_code == 404


def test_nothing_secret_is_logged(site: Site, ids: dict[str, int]) -> None:
    log = site.log()
    for secret in ("correct horse battery", "Bearer ey", "gracesecret", "not the password"):
        assert secret not in log
    failed = log.find("page_failed")
    assert failed < 0, log[failed : failed + 4000]


def test_lists_go_on_and_things_have_names(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    page = sign_in(opens())
    states.lists_go_on(site, page)
    states.things_have_names(site, page)


def test_a_study_trails(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    states.a_study_trails(site, sign_in(opens()), ids["study"])


def test_a_sweep_says_whether_its_best_is_luck(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    page = live(sign_in(opens()))
    page.goto(f"{site.url}/jobs/{ids['sweep']}")
    expect(page.get_by_role("heading", name="Skill or luck")).to_be_visible()
    expect(page.locator(".note.warn", has_text="Do not believe the best of 20 grids")).to_be_visible()
    expect(page.locator(".facts div", has_text="Days / least track record alone").locator("dd")).to_contain_text(
        "200 /"
    )
    shot(page, "sweep-luck")


def test_a_strategy_decides(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    states.a_strategy_decides(site, sign_in(opens()), ids["study"])


def test_a_busy_browser_is_waited_for(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    states.a_busy_browser_is_waited_for(site, sign_in(opens()), ids["study"])


def test_what_a_bot_can_be(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    page = sign_in(opens())
    states.chart_follows(site, page, ids["bot"])
    states.a_block_says_what_to_do(site, page, ids["bot"])
    states.ends_are_told(site, page, ids["unstarted"], ids["paused"])


def test_who_is_faster_than_the_page_loses_nothing(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    page = opens("/sign-in")
    haste.typed_before_it_is_connected(page)
    haste.a_double_click_is_one(site, page)
    haste.a_press_outlives_new_content(site, page, ids["bot"])
    haste.a_table_stays_where_it_was(site, page, ids["bot"])


def test_a_session_that_ends_is_told(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    away.a_session_ends(site, opens())
    away.a_session_ends_underway(site, opens())


def test_who_wants_no_motion_gets_none(site: Site, browser: Browser) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(site.url + "/sign-in")
    assert page.get_by_role("button", name="Sign in").evaluate("e => getComputedStyle(e).transitionDuration") == "0s"
    context.close()


def test_an_outage_is_told_and_ends_by_itself(site: Site, opens: Opens, ids: dict[str, int]) -> None:
    away.an_outage_ends(site, live(sign_in(opens())))
