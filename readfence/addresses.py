"""Addresses of the network, as the command line has them."""

from typing import NamedTuple

from sim.errors import InputError


class Address(NamedTuple):
    """A host and its port."""

    host: str
    port: int

    def __str__(self) -> str:
        """As it can be given: `host:port`, with brackets around an address that has colons."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @classmethod
    def read(cls, text: str, option: str) -> "Address":
        """The address that an option says, `[HOST:]PORT`. Raises `InputError`."""
        host, _, port = text.rpartition(":")
        if not (port.isascii() and port.isdigit()) or int(port) > 65535:
            raise InputError(f"{option} {text}: expected HOST:PORT")
        return cls(host.removeprefix("[").removesuffix("]") or "127.0.0.1", int(port))
