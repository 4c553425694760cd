"""The DICOM application entities a site knows."""

import ipaddress
import re

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import Site

# VR AE (PS3.5 table 6.2-1): printable ASCII without backslash.
_AE_TITLE = re.compile(r"[ -\[\]-~]{1,16}")


def ae_title_check(text: str) -> None:
    """Raises ValidationError."""
    if not _AE_TITLE.fullmatch(text) or text != text.strip():
        raise ValidationError(
            _("1 to 16 printable ASCII characters, no backslash, no space at either end.")
        )


def network_check(text: str) -> None:
    """Raises ValidationError."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        raise ValidationError(
            _("An address or a network, such as 10.1.2.3 or 10.1.0.0/16.")
        ) from None


class Peer(models.Model):
    """An application entity: a modality that sends to us, a PACS that we ask.

    What it sends belongs to `site`. `network` limits where its associations may come from; `host`
    and `port` are where it listens itself, for storage commitment and for what we ask of it.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    ae_title = models.CharField("AE title", max_length=16, validators=[ae_title_check])
    network = models.CharField(max_length=49, blank=True, validators=[network_check])
    may_send = models.BooleanField(default=True)
    host = models.CharField(max_length=255, blank=True)
    port = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["ae_title", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["ae_title", "network"], name="peer_once"),
        ]

    def __str__(self) -> str:
        return self.ae_title

    def comes_from(self, address: str) -> bool:
        """Whether an association from `address` may be this peer's."""
        if not self.network:
            return True
        here = ipaddress.ip_address(address)
        mapped = getattr(here, "ipv4_mapped", None)
        return (mapped or here) in ipaddress.ip_network(self.network)
