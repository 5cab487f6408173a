"""Who is let in."""

from service.shims.keys import Keys


def test_without_keys_none_is_wanted() -> None:
    assert not Keys().wanted
    assert not Keys([""]).wanted


def test_each_key_admits_and_nothing_else_does() -> None:
    keys = Keys(["first", " sécond "])
    assert keys.wanted
    assert keys.admit("first")
    assert keys.admit("sécond")
    for wrong in ("", "firs", "first,", "sécond ", "\ud800"):
        assert not keys.admit(wrong)
