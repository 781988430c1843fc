"""The playground in a real browser, from sign-up to deletion, with no network but ours."""

import json
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.acceptance.browser import ALONE, Page, chromium

RUN = "Execute query (Ctrl-Enter)"
# Presses "Sign out" so many milliseconds after the page has begun to open a websocket.
LEAVES = """
  const Socket = window.WebSocket;
  const named = (it) => it.innerText.trim() === "Sign out";
  const press = () => [...document.querySelectorAll("button")].find(named)?.click();
  window.WebSocket = class extends Socket {
    constructor(...given) {
      super(...given);
      window.left ??= setTimeout(press, Number(sessionStorage.getItem("leaves")));
    }
  };
"""
DIALOG = "document.querySelector('dialog[open]') ?? document.createElement('p')"
PASSWORD = "correct horse battery"


async def story(page: Page, address: str) -> None:
    """Everything that a newcomer does, as he does it: by the mouse, reading what is on screen."""
    login = f"browser-{uuid4().hex[:12]}"
    await page.open(address)
    await page.click("Open the playground")

    await runs_the_first_query_without_signing_in(page)
    await is_told_to_sign_in(page)
    await signs_up(page, login)
    await page.click("Show Live")
    await sees(page, "No projects yet", ".live")

    await opens(page, "CreateProject")
    await page.click(RUN)
    await answers(page, '"status": "CREATING"')
    await sees(page, "RUNNING", ".live .projects")
    await sees(page, "STARTING → RUNNING", ".live .changes")

    await opens(page, "Watch")
    await page.click(RUN)
    await answers(page, '"kind": "SNAPSHOT"')
    await answers(page, '"kind": "SYNCED"')

    await opens(page, "Stop")
    await puts_the_id_under_variables(page)
    for choice, at_once, at_last in (
        ("Stop", "STOPPING", "STOPPED"),
        ("Start", "STARTING", "RUNNING"),
    ):
        await chooses(page, choice)
        await answers(page, f'"status": "{at_once}"')
        await sees(page, at_last, ".live .projects")
    await chooses(page, "Delete")
    await answers(page, '"desiredState": "DELETED"')
    await sees(page, "No projects yet", ".live")

    await stays_signed_in_over_a_reload_and_forgets_on_sign_out(page, login)
    await signs_in(page, login)


async def runs_the_first_query_without_signing_in(page: Page) -> None:
    await opens(page, "Welcome")
    await page.click(RUN)
    await answers(page, '"mutationType"')


async def is_told_to_sign_in(page: Page) -> None:
    await opens(page, "MyProjects")
    await page.click(RUN)
    await sees(page, "Press “Sign in”", ".notice")


async def signs_up(page: Page, login: str) -> None:
    await page.click("Sign in", "document.querySelector('.bar')")
    await page.write("input[name=login]", login)
    await page.write("input[name=password]", "short")
    await page.click("Sign up", DIALOG)
    await sees(page, "password", "dialog [role=alert]")
    await page.write("input[name=password]", PASSWORD)
    await page.click("Sign up", DIALOG)
    await sees(page, login, ".who")


async def signs_in(page: Page, login: str) -> None:
    await page.click("Sign in", "document.querySelector('.bar')")
    await page.write("input[name=login]", login)
    await page.write("input[name=password]", PASSWORD)
    await page.click("Sign in", DIALOG)
    await sees(page, login, ".who")


async def stays_signed_in_over_a_reload_and_forgets_on_sign_out(page: Page, login: str) -> None:
    await page.open(await page.run("location.href"))
    await sees(page, login, ".who")
    assert "eyJ" not in await page.run("JSON.stringify([localStorage, sessionStorage])")
    assert await page.run("document.cookie") == ""
    await page.click("Sign out")
    await page.until("localStorage.getItem('mooring.session') === null")


async def puts_the_id_under_variables(page: Page) -> None:
    project = await page.until("document.querySelector('.live .projects code')?.title")
    editor = "__MONACO.editor.getModels().find((it) => it.uri.path.endsWith('variables.json'))"
    await page.run(f"{editor}.setValue({json.dumps(json.dumps({'id': project}))})")


async def opens(page: Page, tab: str) -> None:
    """Goes to a tab and waits until the editor shows it."""
    await page.click(tab)
    await sees(page, tab, ".graphiql-query-editor .view-lines")


async def chooses(page: Page, operation: str) -> None:
    """Runs one of several operations: the button has a menu, once GraphiQL has read the text."""
    button = "document.querySelector('.graphiql-execute-button')"
    await page.until(f"{button}?.getAttribute('aria-haspopup') === 'menu'")
    await page.click(RUN)
    await page.click(operation, "document.querySelector('[role=menu]')")


async def answers(page: Page, text: str) -> None:
    """Waits until the answer holds `text`. Asks the model: the editor draws what is in view."""
    model = "__MONACO.editor.getModels().find((it) => it.uri.path.endsWith('response.json'))"
    await page.until(f"{model}?.getValue().includes({json.dumps(text)})")


async def sees(page: Page, text: str, where: str) -> None:
    """Waits until the elements at the selector `where` show `text`."""
    shown = f"[...document.querySelectorAll({json.dumps(where)})].map((it) => it.innerText).join()"
    await page.until(f"{shown}.replaceAll('\\u00a0', ' ').includes({json.dumps(text)})")


def hosts(page: Page) -> set[str]:
    """Whom the page asked anything of."""
    addresses = (urlsplit(url) for url in page.requested)
    return {it.netloc for it in addresses if it.scheme not in {"data", "blob", "about"}}


@pytest.mark.timeout(300)
async def test_from_sign_up_to_deletion_with_the_network_cut_off(address: str) -> None:
    async with chromium(ALONE) as page:
        await page.resize(1280, 800)
        await story(page, address)

        assert page.complaints == []
        assert hosts(page) == {urlsplit(address).netloc}


@pytest.mark.timeout(300)
async def test_on_a_phone_in_the_dark(address: str) -> None:
    async with chromium(ALONE) as page:
        await page.resize(390, 844, dark=True)
        await page.open(f"{address}/graphql")
        await runs_the_first_query_without_signing_in(page)
        await signs_up(page, f"phone-{uuid4().hex[:12]}")

        assert await page.run("document.documentElement.scrollWidth") == 390
        assert await page.run("document.querySelector('.graphiql-response').clientWidth > 350")
        assert page.complaints == []


@pytest.mark.timeout(300)
async def test_a_sign_out_while_the_live_panel_connects_is_no_error(address: str) -> None:
    login = f"leaves-{uuid4().hex[:12]}"
    async with chromium(ALONE) as page:
        await page.resize(1280, 800)
        await page.open(f"{address}/graphql")
        await runs_the_first_query_without_signing_in(page)
        await signs_up(page, login)
        await page.click("Show Live")
        await page.call("Page.addScriptToEvaluateOnNewDocument", source=LEAVES)

        for milliseconds in (4, 12, 24):
            await page.run(f"sessionStorage.setItem('leaves', {milliseconds}); window.old = true")
            await page.open(f"{address}/graphql")
            await page.until("!window.old && Boolean(window.left)")
            await page.until("localStorage.getItem('mooring.session') === null")
            await page.until("Boolean(document.querySelector('.bar'))")
            await signs_in(page, login)

        assert page.complaints == []
