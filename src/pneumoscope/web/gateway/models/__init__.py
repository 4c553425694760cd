"""One file per part of the gateway; import them from here."""

from pneumoscope.web.gateway.models.arrivals import Arrival
from pneumoscope.web.gateway.models.deliveries import Delivery, Told, ToldReading, ToldReport
from pneumoscope.web.gateway.models.destinations import Destination
from pneumoscope.web.gateway.models.fhir import FhirEntry
from pneumoscope.web.gateway.models.headers import HeldHeader
from pneumoscope.web.gateway.models.orders import Hl7Message, KnownPatient, Order
from pneumoscope.web.gateway.models.peers import Peer
from pneumoscope.web.gateway.models.pulls import Pull
from pneumoscope.web.gateway.models.rules import RoutingRule
from pneumoscope.web.gateway.models.workitems import WorkItem

__all__ = [
    "Arrival",
    "Delivery",
    "Destination",
    "FhirEntry",
    "HeldHeader",
    "Hl7Message",
    "KnownPatient",
    "Order",
    "Peer",
    "Pull",
    "RoutingRule",
    "Told",
    "ToldReading",
    "ToldReport",
    "WorkItem",
]
