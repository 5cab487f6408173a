"""The dashboard of `assay up`: where it says it is, with the password that it prints."""

import re

import httpx

from tests.processes import Up


def test_up_prints_where_the_dashboard_is_and_how_to_get_in(up: Up) -> None:
    assert up.process
    url = up.process.wait_for(r"The dashboard is on (http://127\.0\.0\.1:\d+)").group(1)
    password = up.process.wait_for(r"Sign in as admin with the one-time password (\S+)").group(1)
    with httpx.Client(base_url=url, follow_redirects=True) as browser:
        page = browser.get("/")
        assert page.url.path == "/sign-in"
        token = re.search(r'name="csrf" value="(\w+)"', page.text)
        assert token
        fields = {"name": "admin", "password": password, "csrf": token.group(1)}
        assert browser.post("/sign-in", data=fields).url.path == "/password"
