"""Addresses on the command line."""

import pytest

from readfence.addresses import Address
from sim.errors import InputError


@pytest.mark.parametrize(
    ("text", "host", "port", "told"),
    [
        ("6380", "127.0.0.1", 6380, "127.0.0.1:6380"),
        ("example.org:1", "example.org", 1, "example.org:1"),
        ("::1:17", "::1", 17, "[::1]:17"),
        ("[::1]:17", "::1", 17, "[::1]:17"),
    ],
)
def test_an_address_is_told_as_it_can_be_given(text: str, host: str, port: int, told: str) -> None:
    """Brackets set an address of IPv6 apart from its port."""
    address = Address.read(text, "--listen")
    assert address == (host, port)
    assert str(address) == told
    assert Address.read(told, "--listen") == address


@pytest.mark.parametrize("text", ["", "host", "host:", "host:70000", "host:-1", "host:\u0661"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """With the option."""
    with pytest.raises(InputError, match=r"--listen .*expected HOST:PORT"):
        Address.read(text, "--listen")
