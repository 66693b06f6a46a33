"""Which addresses a server may be made to connect to: those of the open internet, and what its operator allows beside them."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Annotated, Final

from pydantic import AfterValidator, WithJsonSchema

_CLOSED: Final = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24", "2001::/23")))
"""What looks open to some versions of the library and is not: where clouds answer a machine about itself, and protocols' own addresses."""
_EMBEDDING: Final = (("64:ff9b::/96", 0), ("64:ff9b:1::/48", 0), ("2002::/16", 80))
"""Networks of IPv6 whose addresses stand for one of IPv4, and how many bits stand behind that."""
_V4: Final = 0xFFFFFFFF


def _network(text: str) -> str:
    ip_network(text)
    return text


Network = Annotated[str, AfterValidator(_network), WithJsonSchema({"type": "string", "examples": ["10.0.0.0/8", "fd00::/8"]})]
"""A network, as `10.0.0.0/8`; kept as it is written."""


def plain(text: str) -> IPv4Address | IPv6Address:
    """An address, and where it only stands for one of IPv4, that one. Raises ValueError; `text` may name an interface (`fe80::1%eth0`)."""
    found = ip_address(text.partition("%")[0])
    if isinstance(found, IPv4Address):
        return found
    if found.ipv4_mapped is not None:
        return found.ipv4_mapped
    for network, behind in _EMBEDDING:
        if found in IPv6Network(network):
            return IPv4Address((int(found) >> behind) & _V4)
    return found


def allowed(text: str, networks: Iterable[str]) -> bool:
    """Whether an operator has named a network that this address is in."""
    found = plain(text)
    return any(found in ip_network(network) for network in networks)


def is_open(text: str) -> bool:
    """Whether an address is one of the open internet: not of this machine, of a private network or link, and no cloud's own."""
    found = plain(text)
    if isinstance(found, IPv6Address) and (found.teredo is not None or found.is_site_local):
        return False
    return found.is_global and not (found.is_multicast or found.is_reserved or any(found in network for network in _CLOSED))
