"""What is fetched from archives that do not send by themselves."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.gateway.models.addresses import http_address_check, username_check
from pneumoscope.web.gateway.models.peers import Peer
from pneumoscope.web.gateway.secrets import SecretField
from pneumoscope.web.studies.models import SiteQuerySet


class Method(models.TextChoices):
    GET = "get", "DICOM, C-GET"
    MOVE = "move", _("DICOM, C-MOVE to this listener")
    WEB = "web", "DICOMweb"
    WORKLIST = "worklist", _("Modality worklist, for orders")
    UPS = "ups", _("Work items, UPS-RS")


# Asked by HTTP; the others are peers.
BY_URL = frozenset({Method.WEB, Method.UPS})


class Pull(models.Model):
    """A standing question to an archive; `asked_until` is the day up to which it was answered.

    With every study that is fetched, up to `priors` earlier ones of the patient are, too.
    `station`: an AE title for a modality worklist, the code of a station name for work items.
    """

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    enabled = models.BooleanField(default=True)
    method = models.CharField(max_length=10, choices=Method.choices, default=Method.GET)
    peer = models.ForeignKey(Peer, null=True, blank=True, on_delete=models.PROTECT)
    url = models.CharField(
        "DICOMweb address", max_length=400, blank=True, validators=[http_address_check]
    )
    # For HTTP Basic, with `token` as the password; "": `token` is a bearer token.
    username = models.CharField(max_length=200, blank=True, validators=[username_check])
    token = SecretField(max_length=400, blank=True)
    station = models.CharField("scheduled for station", max_length=16, blank=True)
    procedure = models.CharField("scheduled procedure", max_length=16, blank=True)
    modalities = models.CharField(max_length=200, blank=True, default="CR,DX")
    body_parts = models.CharField(max_length=200, blank=True)
    since = models.DateField("Studies since")
    priors = models.PositiveSmallIntegerField("Earlier studies to fetch", default=0)
    every_minutes = models.PositiveIntegerField("Ask every … minutes", default=5)
    asked_until = models.DateField(null=True, editable=False)
    asked = models.DateTimeField(null=True, editable=False)
    problem = models.TextField(blank=True, editable=False)

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="pull_once_per_site"),
            models.CheckConstraint(condition=Q(method__in=Method.values), name="pull_method_known"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """An address that fits the method, and a password for a user name."""
        if self.method in BY_URL:
            if not self.url:
                raise ValidationError({"url": _("An address is needed for this protocol.")})
            if self.username and not self.token:
                raise ValidationError({"token": _("Needed with a user name.")})
        elif not (self.peer and self.peer.host and self.peer.port):
            raise ValidationError({"peer": _("Choose a peer with host and port.")})
