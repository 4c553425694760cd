"""What can go wrong between us and a peer, divided by what to do about it.

DeliveryError
├── transient: try again later, with growing pauses
│   ├── PeerUnreachable      peer_unreachable     no connection, or no answer in time
│   ├── PeerBusy             peer_busy            the peer asks to come back
│   └── UnreadableAnswer     unreadable_answer    the answer broke off or makes no sense
└── permanent: a person must act; keep it in the dead-letter list
    ├── CredentialsRefused   credentials_refused
    └── DeliveryRejected     delivery_rejected    the peer read it and said no
"""

from typing import ClassVar

from pneumoscope.core.errors import PneumoscopeError

QUOTED = 500


class DeliveryError(PneumoscopeError):
    """Nothing is known to have arrived. `transient` says whether another try makes sense."""

    code = "delivery_error"
    transient: ClassVar[bool] = False


class PeerUnreachable(DeliveryError):
    """No connection, or no answer within the time allowed."""

    code = "peer_unreachable"
    remedy = "Check that the peer runs, its address and port, certificates and the firewall."
    transient = True


class PeerBusy(DeliveryError):
    """The peer is there and asks to come back later. retry_after: seconds, where it says so."""

    code = "peer_busy"
    remedy = "Nothing to do: it is sent again by itself. If this stays, ask who runs the peer."
    transient = True

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnreadableAnswer(DeliveryError):
    """The answer broke off or is not what the protocol says: it may have arrived or not."""

    code = "unreadable_answer"
    remedy = "Check that the address is that of the right service; the peer's log may say more."
    transient = True


class CredentialsRefused(DeliveryError):
    """The peer does not accept who we say we are."""

    code = "credentials_refused"
    remedy = (
        "Set a valid token, user name with password, or certificate. A delivery then waits to be "
        "sent again; a query asks again by itself."
    )


class DeliveryRejected(DeliveryError):
    """The peer understood and refused."""

    code = "delivery_rejected"
    remedy = (
        "Read the peer's reason and mend what it names. A delivery then waits to be sent again; "
        "a query asks again by itself."
    )


def quoted(text: str) -> str:
    """A peer's words, on one line and short enough for a list."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= QUOTED else f"{line[:QUOTED]}…"
