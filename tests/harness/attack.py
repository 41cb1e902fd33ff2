#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Frames that no honest VM sends, made by scapy. attack.py LAN: prints lines of "NAME REASON FRAME",
where REASON is the guard's that must refuse the frame (hexadecimal; or several with commas). LAN is
a JSON object: `attacker`, `victim` and `router`, each with `mac`, `ip4` and `ip6`. Every frame
ends with "sluice: NAME;"."""

import json
import sys

from scapy.config import conf

conf.verb = 0
conf.route_autoload = conf.route6_autoload = False  # this machine's routes are no part of it

# pylint: disable=wrong-import-position
from scapy.layers.dhcp import BOOTP, DHCP  # noqa: E402
from scapy.layers.inet import ICMP, IP, UDP  # noqa: E402
from scapy.layers.inet6 import (ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA,  # noqa: E402
                                ICMPv6NDOptDstLLAddr, ICMPv6NDOptPrefixInfo,
                                ICMPv6NDOptSrcLLAddr, IPv6, IPv6ExtHdrDestOpt,
                                IPv6ExtHdrFragment, PadN)
from scapy.layers.l2 import ARP, LLC, SNAP, Dot1AD, Dot1Q, Dot3, Ether  # noqa: E402
from scapy.packet import Raw  # noqa: E402

BROADCAST = "ff:ff:ff:ff:ff:ff"
STRANGER = "02:00:5e:00:53:66"
ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"
IPV6 = 0x86DD


class Lan:
    def __init__(self, hosts):
        self.attacker, self.victim, self.router = (hosts[name]
                                                   for name in ("attacker", "victim", "router"))
        self.ether = Ether(src=self.attacker["mac"], dst=self.victim["mac"])
        self.ip4 = IP(src=self.attacker["ip4"], dst=self.victim["ip4"])
        self.ip6 = IPv6(src=self.attacker["ip6"], dst=self.victim["ip6"])

    def ether_to(self, mac):
        return Ether(src=self.attacker["mac"], dst=mac)

    def arp_for_router(self):
        return ARP(op="is-at", hwsrc=self.attacker["mac"], psrc=self.router["ip4"],
                   hwdst=self.victim["mac"], pdst=self.victim["ip4"])

    def router_advert(self):
        return (IPv6(src=self.attacker["ip6"], dst=ALL_NODES) / ICMPv6ND_RA() /
                ICMPv6NDOptSrcLLAddr(lladdr=self.attacker["mac"]))


def spoofed_sources(lan):
    datagram = UDP(sport=1000, dport=9)
    yield "spoofed-mac", "guard-mac", Ether(src=STRANGER, dst=lan.victim["mac"]) / lan.ip4 / datagram
    yield "spoofed-ipv4", "guard-ip", (lan.ether / IP(src=lan.router["ip4"], dst=lan.victim["ip4"]) /
                                       datagram)
    yield "spoofed-ipv6", "guard-ip", (lan.ether /
                                       IPv6(src=lan.router["ip6"], dst=lan.victim["ip6"]) / datagram)


def arp(lan):
    everybody = lan.ether_to(BROADCAST)
    gratuitous = ARP(op="is-at", hwsrc=lan.attacker["mac"], psrc=lan.router["ip4"],
                     hwdst=BROADCAST, pdst=lan.router["ip4"])
    yield "gratuitous-arp", "guard-arp", everybody / gratuitous
    yield "arp-request", "guard-arp", everybody / ARP(
        op="who-has", hwsrc=lan.attacker["mac"], psrc=lan.router["ip4"], pdst=lan.victim["ip4"])
    yield "arp-others-mac", "guard-arp", everybody / ARP(
        op="is-at", hwsrc=STRANGER, psrc=lan.attacker["ip4"], pdst=lan.victim["ip4"])


def neighbours(lan):
    yield "nd-advert", "guard-nd", lan.ether / lan.ip6 / ICMPv6ND_NA(
        tgt=lan.router["ip6"], R=0, S=0, O=1) / ICMPv6NDOptDstLLAddr(lladdr=lan.attacker["mac"])
    yield "nd-solicit-others-mac", "guard-nd", lan.ether / lan.ip6 / ICMPv6ND_NS(
        tgt=lan.victim["ip6"]) / ICMPv6NDOptSrcLLAddr(lladdr=STRANGER)
    yield "icmp-redirect", "guard-ra", lan.ether / lan.ip4 / ICMP(
        type="redirect", code=1, gw=lan.attacker["ip4"]) / IP(
            src=lan.victim["ip4"], dst="203.0.113.9") / UDP(sport=1, dport=9)


def tags_and_lengths(lan):
    """CVE-2021-27853, -27861, -27862: what hides behind priority tags, tags in tags and LLC/SNAP
    is not looked at by a filter, and unpacked by a switch, a Wi-Fi bridge or the victim."""
    source, victim = lan.attacker["mac"], lan.victim["mac"]
    snap = LLC(dsap=0xAA, ssap=0xAA, ctrl=3) / SNAP(OUI=0, code=IPV6)
    hidden = snap / lan.router_advert()
    everybody = Ether(src=source, dst=ALL_NODES_MAC)
    yield "cve-2021-27853", "guard-llc", everybody / Dot1Q(
        vlan=0, type=len(hidden)) / hidden
    yield "cve-2021-27861", "guard-llc", Dot3(src=source, dst=ALL_NODES_MAC, len=0) / hidden
    yield "cve-2021-27862", "guard-llc", Dot3(src=source, dst=ALL_NODES_MAC, len=1) / hidden
    yield "cve-2021-27862-vlan-0", "guard-llc", everybody / Dot1Q(vlan=0, type=1) / hidden
    yield "vlan-0", "guard-tag", lan.ether / Dot1Q(vlan=0) / lan.arp_for_router()
    yield "vlan-0-twice", "guard-tag", (everybody / Dot1Q(vlan=0) / Dot1Q(vlan=0) /
                                        lan.router_advert())
    yield "qinq", "guard-tag", (Ether(src=source, dst=victim, type=0x88A8) / Dot1AD(vlan=100) /
                                Dot1Q(vlan=200) / lan.arp_for_router())
    yield "tag", "guard-tag", lan.ether / Dot1Q(vlan=100) / lan.arp_for_router()
    yield "ethertype", "guard-ethertype", Ether(src=source, dst=victim, type=0x88B5)


def fragments(lan):
    # Of the lengths that are said the mark is no part: it is behind the packet, as padding.
    first = IP(src=lan.attacker["ip4"], dst=lan.victim["ip4"], flags="MF", proto="tcp", len=28)
    yield "tiny-fragment", "guard-fragment", lan.ether / first / Raw(bytes(8))
    options = IPv6ExtHdrDestOpt(nh=58, len=3, options=[PadN(optdata=bytes(4))])
    hiding = IPv6(src=lan.attacker["ip6"], dst=lan.victim["ip6"], plen=16)
    yield "hidden-header", "guard-fragment", (lan.ether / hiding /
                                              IPv6ExtHdrFragment(m=1, id=1, nh=60) / options)
    yield "fragmented-ra", "guard-ra", (
        lan.ether_to(ALL_NODES_MAC) / IPv6(src=lan.attacker["ip6"], dst=ALL_NODES) /
        IPv6ExtHdrFragment(m=1, id=2, nh=58) / ICMPv6ND_RA() / ICMPv6NDOptPrefixInfo())


def dhcp(lan):
    ask = (lan.ether_to(BROADCAST) / IP(src="0.0.0.0", dst="255.255.255.255") /
           UDP(sport=68, dport=67))
    discover = DHCP(options=[("message-type", "discover"), "end"])
    yield "dhcp-starvation", "guard-dhcp-client", [
        ask / BOOTP(chaddr=bytes((2, 0, 0, 0, 0x66, n)), xid=n) / discover for n in range(20)]
    yield "dhcpv6-server", "guard-dhcp-server", (lan.ether / lan.ip6 /
                                                 UDP(sport=547, dport=546))


def mac_of_victim(lan):
    """The last: a switch that sees it no longer finds the victim."""
    yield "victims-mac", "guard-mac", (Ether(src=lan.victim["mac"], dst=BROADCAST) / lan.ip4 /
                                       UDP(sport=1000, dport=9))


def main():
    lan = Lan(json.loads(sys.argv[1]))
    for family in (spoofed_sources, arp, neighbours, tags_and_lengths, fragments, dhcp,
                   mac_of_victim):
        for name, reason, packets in family(lan):
            packets = packets if isinstance(packets, list) else [packets]
            mark = Raw(f"sluice: {name};")
            print(name, reason, ",".join(bytes(packet / mark).hex() for packet in packets))


if __name__ == "__main__":
    main()
