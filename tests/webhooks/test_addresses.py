"""Which addresses webhooks may go to, and which URLs endpoints may have."""

import ipaddress

import pytest

from service.errors import InvalidInput
from service.webhooks.addresses import why_refused
from service.webhooks.endpoint import check_url

PUBLIC = [
    "8.8.8.8",
    "93.184.216.34",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
REFUSED = {
    "127.0.0.1": "loopback",
    "127.9.9.9": "loopback",
    "0.0.0.0": "unspecified",
    "0.1.2.3": "private",
    "10.1.2.3": "private",
    "172.16.0.1": "private",
    "192.168.1.1": "private",
    "192.0.0.192": "private",
    "192.0.2.1": "private",
    "198.18.0.1": "private",
    "203.0.113.7": "private",
    "169.254.169.254": "link-local",
    "100.64.0.1": "carrier-grade",
    "100.127.255.255": "carrier-grade",
    "192.88.99.1": "relay",
    "168.63.129.16": "cloud",
    "224.0.0.1": "multicast",
    "239.255.255.250": "multicast",
    "240.0.0.1": "private",
    "255.255.255.255": "private",
    "::": "unspecified",
    "::1": "loopback",
    "::7f00:1": "private",
    "::ffff:127.0.0.1": "loopback",
    "::ffff:10.0.0.1": "private",
    "::ffff:169.254.169.254": "link-local",
    "::ffff:100.64.0.1": "carrier-grade",
    "64:ff9b::7f00:1": "loopback",
    "64:ff9b::a9fe:a9fe": "link-local",
    "64:ff9b:1::1": "private",
    "fe80::1": "link-local",
    "fe80::1%eth0": "link-local",
    "fec0::1": "private",
    "fc00::1": "private",
    "fd00:ec2::254": "private",
    "ff02::1": "multicast",
    "100::1": "private",
    "2001:db8::1": "private",
    "2001:0:7f00:1::": "Teredo",
    "2002:7f00:1::": "6to4",
    "4000::1": "private",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_ones_pass(address: str) -> None:
    assert why_refused(ipaddress.ip_address(address)) == ""


@pytest.mark.parametrize(("address", "why"), REFUSED.items())
def test_all_others_are_refused(address: str, why: str) -> None:
    assert why in why_refused(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example/x", "https://hooks.example:8443/x?key=1", "https://8.8.8.8/", "https://[2606:4700::1]/"],
)
def test_urls_that_pass(url: str) -> None:
    check_url(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("", "not a web address"),
        ("hooks.example", "not a web address"),
        ("ftp://hooks.example", "not a web address"),
        ("file:///etc/passwd", "not a web address"),
        ("https://", "not a web address"),
        ("https://[::1", "not a web address"),
        ("https://hooks.example:99999/", "not a web address"),
        ("https://hooks.example:x/", "not a web address"),
        ("http://hooks.example/", "not encrypted"),
        ("https://user:word@hooks.example/", "a user"),
        ("https://hooks.example/#part", "fragment"),
        ("https://hooks.example/a b", "white space"),
        ("https://hooks.example\\@evil.example/", "backslash"),
        ("https://höks.example/", "ASCII"),
        ("https://hooks.example/\nHost: x", "white space"),
        ("https://a" + "b" * 2_100, "over 2,048"),
        ("https://127.0.0.1/", "loopback"),
        ("https://[::1]/", "loopback"),
        ("https://[::ffff:10.0.0.1]/", "private"),
        ("https://169.254.169.254/latest/meta-data", "link-local"),
        ("https://[fe80::1%25eth0]/", "link-local"),
        ("https://hooks.example,evil/", "not a host"),
    ],
)
def test_urls_that_are_refused(url: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem):
        check_url(url, allow_private=False)


def test_where_private_ones_are_allowed_so_is_plain_http() -> None:
    check_url("http://127.0.0.1:8000/hook", allow_private=True)
    with pytest.raises(InvalidInput):
        check_url("gopher://127.0.0.1/", allow_private=True)
