"""One file per part of the gateway; import them from here."""

from pneumoscope.web.gateway.models.arrivals import Arrival
from pneumoscope.web.gateway.models.peers import Peer
from pneumoscope.web.gateway.models.pulls import Pull
from pneumoscope.web.gateway.models.rules import RoutingRule

__all__ = ["Arrival", "Peer", "Pull", "RoutingRule"]
