"""Which IP addresses webhooks may go to: those of the public internet, and no others. Standard library only.

Whoever may name an endpoint must not reach the service's surroundings through it: its host, its network, the
metadata service of its cloud. Addresses that contain another one (IPv4-mapped, NAT64) are judged by that one.
"""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_TUNNELS = {
    ipaddress.IPv6Network("2002::/16"): "a 6to4 address",
    ipaddress.IPv6Network("2001::/32"): "a Teredo address",
}
_SPECIAL = {
    ipaddress.IPv4Network("100.64.0.0/10"): "shared address space (carrier-grade NAT)",
    ipaddress.IPv4Network("192.0.0.0/24"): "a private or reserved address",  # older Pythons know parts of it
    ipaddress.IPv4Network("192.88.99.0/24"): "a 6to4 relay's address",
    ipaddress.IPv4Network("168.63.129.16/32"): "a cloud's internal service",
}


def why_refused(address: Address) -> str:
    """Why nothing may be sent to the address, such as `a loopback address`; empty for a public one."""
    if isinstance(address, ipaddress.IPv6Address):
        return _why_refused_v6(address)
    for network, what in _SPECIAL.items():
        if address in network:
            return what
    return _named(address) or ("" if address.is_global else "a private or reserved address")


def _why_refused_v6(address: ipaddress.IPv6Address) -> str:
    if inner := address.ipv4_mapped or _nat64(address):
        return why_refused(inner)
    for network, what in _TUNNELS.items():
        if address in network:
            return what
    if known := _named(address):
        return known
    return "" if address.is_global and address in _GLOBAL_UNICAST else "a private or reserved address"


def _named(address: Address) -> str:
    if address.is_loopback:
        return "a loopback address"
    if address.is_link_local:
        return "a link-local address"
    if address.is_multicast:
        return "a multicast address"
    return "an unspecified address" if address.is_unspecified else ""


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else None
