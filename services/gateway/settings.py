"""What can be set about the gateway: where it listens, who may come in, and how much it keeps for a slow client."""

from __future__ import annotations

import ipaddress
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

__all__ = ["GatewaySettings", "is_loopback"]


class GatewaySettings(BaseModel):
    """Settings under `gateway`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool | None = None
    """Whether a conversation listens for the dashboard and the scripts; unset: when the packages for it are there."""
    host: str = "127.0.0.1"
    """Address to listen on. One that others can reach needs `key`."""
    port: int = Field(default=8321, ge=0, le=65535)
    """0 takes any that is free; the event `gateway.opened` says which."""
    key: SecretStr | None = None
    """What clients must show (`Authorization: Bearer KEY`), except local ones with `trust_local`."""
    admin_key: SecretStr | None = None
    """What opens the privileged kinds too (`service.restart`, `service.crash`), except to local ones so trusted."""
    trust_local: bool = True
    """Programs on this machine need no key. Switch it off behind a proxy, where everybody looks local."""
    hosts: tuple[str, ...] = ()
    """Names, besides localhost, by which browsers may call it; others are refused (DNS rebinding)."""
    origins: tuple[str, ...] = ()
    """Origins of other web pages, as `https://home.example`, that may use it; others are refused."""
    clients: int = Field(default=256, ge=1)
    """Event sockets open at a time."""
    backlog: int = Field(default=1000, ge=1)
    """Events that wait for a slow client; after that it misses the oldest, and is told which."""

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.key is not None and not self.key.get_secret_value():
            raise ValueError("gateway.key is empty: set one, or leave it out")
        if not is_loopback(self.host) and self.key is None:
            raise ValueError(f"gateway.host {self.host} can be reached from outside: set gateway.key as well")
        return self


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback
