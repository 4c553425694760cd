"""Where results go: the archives, servers and addresses of a site."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from pneumoscope.web.accounts.models import Site
from pneumoscope.web.gateway.models.addresses import http_address_check, username_check
from pneumoscope.web.gateway.models.peers import ae_title_check
from pneumoscope.web.gateway.secrets import SecretField
from pneumoscope.web.studies.models import Analysis, SiteQuerySet


class Protocol(models.TextChoices):
    DICOM = "dicom", "DICOM, C-STORE"
    STOW = "stow", "DICOMweb, STOW-RS"
    FHIR = "fhir", "FHIR R4"
    HL7 = "hl7", "HL7 v2, ORU^R01"
    WEBHOOK = "webhook", "Webhook"


class Results(models.TextChoices):
    ALL = "all", _("All results, rejected radiographs too")
    SCORED = "scored", _("Results with a probability")
    POSITIVE = "positive", _("Suspicious results only")
    NONE = "none", _("No results, audit records only")


class Kind(models.TextChoices):
    """What is sent of one result. The first five are `interop.objects.OBJECTS`."""

    SR = "sr", _("Structured report (SR)")
    GSPS = "gsps", _("Contours (GSPS)")
    SC = "sc", _("Picture with overlay (SC)")
    SEG = "seg", _("Segmentation (SEG)")
    KO = "ko", _("Key object, suspicious only (KO)")
    PDF = "pdf", _("Signed report (PDF)")
    FHIR = "fhir", _("FHIR resources")
    ORU = "oru", "ORU^R01"
    EVENT = "event", _("Webhook event")
    REVIEWED = "reviewed", _("Webhook event of a review")
    SIGNED = "signed", _("Webhook event of a report")
    AUDIT = "audit", _("Audit record")


class Proof(models.TextChoices):
    """How a token endpoint knows us (RFC 7591: client_secret_basic, private_key_jwt)."""

    SECRET = "secret", _("Client secret")
    ES384 = "ES384", _("Signed assertion, ES384")
    RS384 = "RS384", _("Signed assertion, RS384")


class Event(models.TextChoices):
    """What a webhook may be told of."""

    ANALYSED = "study.analysed", _("A radiograph was analysed")
    REJECTED = "study.rejected", _("A radiograph was rejected")
    REVIEWED = "review.completed", _("A review was completed")
    SIGNED = "report.signed", _("A report was signed, or added to")

    @classmethod
    def of(cls, analysis: Analysis) -> "Event":
        return cls.REJECTED if analysis.probability is None else cls.ANALYSED


OBJECT_KINDS = (Kind.SR, Kind.GSPS, Kind.SC, Kind.SEG, Kind.KO)
# What can be chosen for an archive; the report follows when a person has signed it.
SENDABLE = (*OBJECT_KINDS, Kind.PDF)
ONLY_KIND = {Protocol.FHIR: Kind.FHIR, Protocol.HL7: Kind.ORU, Protocol.WEBHOOK: Kind.EVENT}
# Told of a result once more when its report is signed.
REPORT_PROTOCOLS = frozenset({Protocol.FHIR, Protocol.HL7})
REPORT_KINDS = (Kind.PDF, Kind.SIGNED, *(ONLY_KIND[each] for each in REPORT_PROTOCOLS))
BY_SOCKET = frozenset({Protocol.DICOM, Protocol.HL7})
BY_TOKEN = frozenset({Protocol.STOW, Protocol.FHIR})
OBJECT_PROTOCOLS = frozenset({Protocol.DICOM, Protocol.STOW})
_NEEDED = {
    Protocol.DICOM: ("host", "port", "ae_title"),
    Protocol.HL7: ("host", "port", "receiving_application"),
    Protocol.STOW: ("url",),
    Protocol.FHIR: ("url",),
    Protocol.WEBHOOK: ("url", "secret"),
}


class Destination(models.Model):
    """One peer that is told of a site's results.

    Results that were there before the destination was made are not sent. While it is disabled,
    nothing new is written for it, and what waits for it goes on waiting.
    """

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    protocol = models.CharField(max_length=10, choices=Protocol.choices)
    enabled = models.BooleanField(default=True)
    results = models.CharField(max_length=10, choices=Results.choices, default=Results.ALL)
    # Of SENDABLE; empty: all that a result has. For DICOM and DICOMweb.
    objects_sent = models.JSONField(default=list, blank=True)
    # Of Event; empty: all. For webhooks.
    events = models.JSONField(default=list, blank=True)
    host = models.CharField(max_length=255, blank=True)
    port = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    tls = models.BooleanField("TLS", default=False)
    ae_title = models.CharField("AE title", max_length=16, blank=True, validators=[ae_title_check])
    url = models.CharField(
        "address (URL)", max_length=500, blank=True, validators=[http_address_check]
    )
    # A bearer token, a user's password, the client's secret or private key where tokens are asked
    # for, or a webhook's shared secret.
    # Never shown again, never in logs or events.
    secret = SecretField("token or secret", max_length=500, blank=True)
    # OAuth 2.0 client credentials, for DICOMweb and FHIR: where tokens are given out, and to whom.
    token_url = models.CharField(
        "token endpoint (URL)", max_length=500, blank=True, validators=[http_address_check]
    )
    # Without a token endpoint: the user name for HTTP Basic.
    client_id = models.CharField("client ID", max_length=200, blank=True)
    scope = models.CharField(max_length=500, blank=True)
    client_proof = models.CharField(max_length=10, choices=Proof.choices, default=Proof.SECRET)
    receiving_application = models.CharField(max_length=180, blank=True)
    receiving_facility = models.CharField(max_length=180, blank=True)
    character_set = models.CharField(max_length=40, default="UNICODE UTF-8", blank=True)
    patient_id_system = models.CharField(max_length=200, blank=True)
    # From when on a FHIR server gets our audit records too; None: it gets none.
    audit_since = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects = SiteQuerySet.as_manager()

    class Meta:
        ordering = ["site__name", "name"]
        constraints = [
            models.UniqueConstraint(fields=["site", "name"], name="destination_once_per_site"),
            models.CheckConstraint(
                condition=Q(protocol__in=Protocol.values), name="destination_protocol_known"
            ),
            models.CheckConstraint(
                condition=Q(results__in=Results.values), name="destination_results_known"
            ),
            # Without an endpoint the secret is sent as a token: a private key never may.
            models.CheckConstraint(
                condition=Q(client_proof=Proof.SECRET) | ~Q(token_url=""),
                name="destination_key_for_an_endpoint",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        missing = [name for name in _NEEDED.get(self.protocol, ()) if not getattr(self, name)]
        errors: dict[str, Any] = dict.fromkeys(missing, _("Needed for this protocol."))
        if self.token_url:
            errors |= self._token_errors()
        elif self.signs:
            errors["token_url"] = _("Needed to ask for tokens.")
        elif self.username:
            errors |= self._username_errors()
        if self.audit_since and self.protocol != Protocol.FHIR:
            errors["audit_since"] = _("Audit records are for FHIR only.")
        if self.results == Results.NONE and not self.audit_since:
            errors["results"] = _("Nothing would be sent.")
        if unknown := set(self.objects_sent) - set(SENDABLE):
            errors["objects_sent"] = _not_known(unknown)
        if unknown := set(self.events) - set(Event.values):
            errors["events"] = _not_known(unknown)
        if errors:
            raise ValidationError(errors)

    def _token_errors(self) -> dict[str, Any]:
        """Of one that asks for tokens."""
        if self.protocol not in BY_TOKEN:
            return dict.fromkeys(["token_url"], _("Tokens are for DICOMweb and FHIR only."))
        needed = ("client_id",) if self.signs else ("client_id", "secret")
        missing = [name for name in needed if not getattr(self, name)]
        return dict.fromkeys(missing, _("Needed to ask for tokens."))

    def _username_errors(self) -> dict[str, Any]:
        """Of one that signs in by HTTP Basic."""
        errors: dict[str, Any] = {}
        try:
            username_check(self.username)
        except ValidationError as error:
            errors["client_id"] = error
        if not self.secret:
            errors["secret"] = _("Needed with a user name.")
        return errors

    @property
    def username(self) -> str:
        """Who we are by HTTP Basic, with `secret` as the password; "" where a token says it."""
        return self.client_id if self.protocol in BY_TOKEN and not self.token_url else ""

    @property
    def signs(self) -> bool:
        """Whether `secret` is a private key, which is made here and never typed."""
        return self.client_proof != Proof.SECRET

    @property
    def address(self) -> str:
        """For people; holds no secret."""
        if self.protocol not in BY_SOCKET:
            return self.url
        title = f"{self.ae_title}@" if self.protocol == Protocol.DICOM else ""
        return f"{title}{self.host}:{self.port}"

    def wants(self, analysis: Analysis) -> bool:
        """Whether this destination is told of a result of its site."""
        told = self.protocol != Protocol.WEBHOOK or self.is_told(Event.of(analysis))
        return told and analysis.created >= self.created and self._chooses(analysis)

    def is_told(self, event: Event) -> bool:
        """Whether this is a webhook for such events."""
        return self.protocol == Protocol.WEBHOOK and (not self.events or event in self.events)

    def wants_review(self, analysis: Analysis, completed: datetime) -> bool:
        wants = self.is_told(Event.REVIEWED) and completed >= self.created
        return wants and self._chooses(analysis)

    def report_kind(self, analysis: Analysis, signed: datetime) -> str | None:
        """As what this destination gets its site's signed reports; None: it gets none."""
        if signed < self.created or not self._chooses(analysis):
            return None
        if self.protocol == Protocol.WEBHOOK:
            return Kind.SIGNED if self.is_told(Event.SIGNED) else None
        if self.protocol in OBJECT_PROTOCOLS:
            return Kind.PDF if not self.objects_sent or Kind.PDF in self.objects_sent else None
        return ONLY_KIND[Protocol(self.protocol)] if self.protocol in REPORT_PROTOCOLS else None

    def _chooses(self, analysis: Analysis) -> bool:
        match self.results:
            case Results.ALL:
                return True
            case Results.SCORED:
                return analysis.probability is not None
            case Results.POSITIVE:
                return bool(analysis.positive)
        return False

    def kinds(self, available: tuple[str, ...]) -> list[str]:
        """What is sent of a result that could be stated as `available` DICOM objects."""
        if self.protocol in ONLY_KIND:
            return [ONLY_KIND[Protocol(self.protocol)]]
        return [kind for kind in available if not self.objects_sent or kind in self.objects_sent]


def _not_known(words: set[str]) -> str:
    return gettext("Not known: %(words)s.") % {"words": ", ".join(sorted(words))}
