"""The doors: who may come in. A web page of somebody else never may, whatever it knows; a program shows its key."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.gateway.settings import GatewaySettings, is_loopback
from shared.errors import SottoError

__all__ = ["Doors", "ForeignPage", "KeyNeeded", "Visit", "WrongHost"]


class WrongHost(SottoError):
    """The request was meant for another name: a page whose name was pointed at this machine (DNS rebinding)."""


class ForeignPage(SottoError):
    """A web page of another origin asks."""


class KeyNeeded(SottoError):
    """The client has to show a key."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What is known of whoever knocks."""

    client: str
    """Address."""
    headers: Mapping[str, str]
    """By name in lower case."""
    key: str = ""
    """Shown as a parameter, where headers cannot be set (a browser's WebSocket)."""

    def shown(self) -> str:
        """The key it shows."""
        scheme, _, key = self.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else self.key


class Doors:
    """Judges visits by the settings."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._names = {"localhost", settings.host.lower(), *(name.lower() for name in settings.hosts)}
        self._origins = {origin.lower().rstrip("/") for origin in settings.origins}

    def check_page(self, visit: Visit) -> None:
        """Raise WrongHost or ForeignPage for what no program of the person's own would send."""
        host = visit.headers.get("host", "")
        if not self._is_ours(host):
            raise WrongHost(
                f"This is not {host or 'a host without a name'}.", remedy="Add the name to gateway.hosts if it is."
            )
        origin = visit.headers.get("origin")
        if origin is not None and not self._may_ask(origin.lower(), host.lower()):
            raise ForeignPage(f"Pages of {origin} may not ask here.", remedy="Add it to gateway.origins if they may.")

    def check_key(self, visit: Visit) -> None:
        """Raise KeyNeeded unless the client is local and trusted, or shows a key."""
        if not (self._is_trusted(visit) or self._shows(visit, "key") or self._shows(visit, "admin_key")):
            raise KeyNeeded("A key is needed here.", remedy="Send `Authorization: Bearer KEY` with gateway.key.")

    def may_administer(self, visit: Visit) -> bool:
        """True when the client may publish privileged kinds."""
        return self._is_trusted(visit) or self._shows(visit, "admin_key")

    def _is_ours(self, host: str) -> bool:
        name = (urlsplit(f"//{host}").hostname or "").lower() if _is_plain(host) else ""
        # Rebinding needs a name: whoever says the address itself was not led here by one.
        return name in self._names or _is_address(name)

    def _may_ask(self, origin: str, host: str) -> bool:
        return origin in self._origins or origin in (f"http://{host}", f"https://{host}")

    def _is_trusted(self, visit: Visit) -> bool:
        return self._settings.trust_local and is_loopback(visit.client)

    def _shows(self, visit: Visit, which: str) -> bool:
        key = getattr(self._settings, which)
        return key is not None and hmac.compare_digest(visit.shown().encode(), key.get_secret_value().encode())


def _is_plain(host: str) -> bool:
    try:
        urlsplit(f"//{host}").port  # noqa: B018 (raises ValueError for what is no port)
    except ValueError:
        return False
    return not set(host) & set("/?#@\\ ")


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
