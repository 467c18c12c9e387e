"""What the page asks of a service that runs: letting browsers in, and looking without touching."""

from __future__ import annotations

import logging

import pytest

from device.settings.forget import forget
from tests.component.daemon.test_service import Running, run, running

__all__ = ["run", "running"]

ON = "[page]\nenabled = true\n"


@pytest.fixture
async def with_page(run, settings, cloud_of) -> Running:
    cloud = await cloud_of({"answers": []})
    return await run(settings.load(settings.endpoint("cloud", cloud.url), more=ON))


async def test_nobody_is_let_in_while_the_page_is_off(running):
    for order in ("page-ask-code", "page-show-code", "page-pair", "page-session"):
        refused = await running.order(order, code="123456", token="x")
        assert (refused["ok"], refused["error"]) == (False, "the page is off")
    assert (await running.order("page"))["enabled"] is False


async def test_a_browser_is_let_in_by_a_shown_code_seen_in_the_list_and_revoked(with_page):
    code = (await with_page.order("page-show-code"))["code"]
    token = (await with_page.order("page-pair", code=code, name="Anna's phone"))["token"]
    assert (await with_page.order("page-session", token=token))["name"] == "Anna's phone"
    replayed = await with_page.order("page-pair", code=code, name="a thief")
    assert not replayed["ok"]
    (session,) = (await with_page.order("page-sessions"))["sessions"]
    assert token not in str(session)
    assert not (await with_page.order("page-revoke"))["ok"]
    assert (await with_page.order("page-revoke", id=session["id"]))["revoked"] == 1
    assert not (await with_page.order("page-session", token=token))["ok"]


async def test_a_code_is_spoken_for_the_browser_that_asks_and_is_in_no_log(with_page, caplog):
    caplog.set_level(logging.DEBUG)
    service = with_page.service.appliance.house.services
    spoken: list[str] = []
    speak = service.voice.speak

    async def heard(text: str):
        spoken.append(text)
        return await speak(text)

    service.voice.speak = heard  # type: ignore[method-assign]
    asked = await with_page.order("page-ask-code")
    assert asked["ok"], asked
    open_now = with_page.service.appliance.pairing._open
    assert open_now is not None
    assert len(spoken) == 1
    assert "code for my page" in spoken[0]
    assert spoken[0].count(",") == 2 * 5
    other = await with_page.order("page-pair", code=open_now.code, ticket="guessed", name="b")
    assert not other["ok"]
    paired = await with_page.order(
        "page-pair", code=open_now.code, ticket=asked["ticket"], name="a"
    )
    assert paired["ok"], paired
    for secret in (open_now.code, spoken[0], paired["token"], asked["ticket"]):
        assert secret not in caplog.text


async def test_a_muted_appliance_says_no_code_and_none_is_good(with_page):
    await with_page.order("mute")
    refused = await with_page.order("page-ask-code")
    assert "cannot be said" in refused["error"]
    assert "button" in refused["advice"]
    assert with_page.service.appliance.pairing._open is None


async def test_by_button_only_no_browser_is_let_in_on_its_asking(run, settings, cloud_of):
    cloud = await cloud_of({"answers": []})
    more = ON + 'pairing = "button"\n'
    running = await run(settings.load(settings.endpoint("cloud", cloud.url), more=more))
    refused = await running.order("page-ask-code")
    assert (refused["ok"], "button only" in refused["error"]) == (False, True)
    assert running.service.appliance.invite()


async def test_the_button_invites_only_where_the_page_is_on(running):
    assert running.service.appliance.invite() == []


async def test_a_factory_reset_lets_nobody_in_any_more(with_page, tmp_path):
    code = (await with_page.order("page-show-code"))["code"]
    await with_page.order("page-pair", code=code, name="a")
    (file,) = tmp_path.glob("page-sessions.json")
    await with_page.service.stop()
    forget(tmp_path / "none.toml", tmp_path, tmp_path / "keys")
    assert not file.exists()


async def test_the_household_is_read_without_touching_what_was_missed(with_page):
    for name, arguments in (
        ("set_timer", {"minutes": 10, "name": "tea"}),
        ("set_alarm", {"time": "6:45", "weekdays": ["monday", "friday"]}),
        ("set_reminder", {"text": "call mum", "hours": 2}),
        ("add_to_list", {"list_name": "shopping", "items": ["milk", "bread"]}),
    ):
        done = await with_page.order("tool", name=name, arguments=arguments)
        assert not done["is_error"], done
    ringer = with_page.service.appliance.house.services.ringer
    acknowledged = []
    ringer.acknowledge_missed = acknowledged.append  # type: ignore[method-assign]
    seen = await with_page.order("household")
    assert {each["kind"] for each in seen["waiting"]} == {"timer", "alarm", "reminder"}
    (tea,) = [each for each in seen["waiting"] if each["name"] == "tea"]
    assert 590 < tea["left_s"] <= 600
    (alarm,) = [each for each in seen["waiting"] if each["kind"] == "alarm"]
    assert (alarm["time"], alarm["weekdays"]) == ("06:45", ["monday", "friday"])
    assert seen["lists"] == {"shopping": ["milk", "bread"]}
    assert acknowledged == []
    assert (await with_page.order("cancel", id=tea["id"]))["ok"]
    assert not (await with_page.order("cancel", id=tea["id"]))["ok"]
    assert not (await with_page.order("cancel", id="tea"))["ok"]
    left = (await with_page.order("household"))["waiting"]
    assert {each["kind"] for each in left} == {"alarm", "reminder"}
