"""Signatures: those of the Standard Webhooks specification, and what a receiver must refuse."""

import base64

import pytest

from service.errors import InvalidInput
from service.webhooks.signing import PREFIX, headers, new_secret, signature, verify

# The example that implementations of the specification share.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
MESSAGE, TIMESTAMP, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_it_is_the_specifications() -> None:
    assert signature(SECRET, MESSAGE, str(TIMESTAMP), BODY) == SIGNATURE
    assert headers([SECRET], MESSAGE, TIMESTAMP, BODY) == {
        "webhook-id": MESSAGE,
        "webhook-timestamp": "1614265330",
        "webhook-signature": SIGNATURE,
    }


def test_secrets_are_fresh_and_long() -> None:
    one, two = new_secret(), new_secret()
    assert one != two
    assert len(base64.b64decode(one.removeprefix(PREFIX))) == 32


def test_each_valid_secret_signs_and_each_of_them_verifies() -> None:
    old, new = new_secret(), new_secret()
    signed = headers([new, old], MESSAGE, TIMESTAMP, BODY)
    assert len(signed["webhook-signature"].split(" ")) == 2
    for secret in (old, new):
        assert verify(secret, signed, BODY, now=TIMESTAMP)
    assert not verify(new_secret(), signed, BODY, now=TIMESTAMP)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "msg_other"},
        {"webhook-id": ""},
        {"webhook-timestamp": "1614265331"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": "9" * 400},
        {"webhook-timestamp": "-1614265330"},
        {"webhook-signature": ""},
        {"webhook-signature": SIGNATURE.replace("v1,", "v2,")},
        {"webhook-signature": SIGNATURE + "=\ud800"},
    ],
)
def test_what_was_changed_is_refused(changed: dict[str, str]) -> None:
    signed = headers([SECRET], MESSAGE, TIMESTAMP, BODY) | changed
    assert not verify(SECRET, signed, BODY, now=TIMESTAMP)


def test_what_was_changed_in_the_body_or_is_old_is_refused() -> None:
    signed = headers([SECRET], MESSAGE, TIMESTAMP, BODY)
    assert not verify(SECRET, signed, BODY + b" ", now=TIMESTAMP)
    assert not verify(SECRET, {}, BODY, now=TIMESTAMP)
    for now, good in ((TIMESTAMP + 299, True), (TIMESTAMP + 301, False), (TIMESTAMP - 301, False)):
        assert verify(SECRET, signed, BODY, now=now) is good


def test_what_is_no_secret_is_named() -> None:
    with pytest.raises(InvalidInput, match="secret"):
        signature("whsec_!", MESSAGE, "1", BODY)
