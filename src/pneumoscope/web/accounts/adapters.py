"""Where django-allauth asks what is different here."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest
from django.shortcuts import render

from pneumoscope.web.accounts import lock
from pneumoscope.web.accounts.address import client_address
from pneumoscope.web.accounts.models import User


class AccountAdapter(DefaultAccountAdapter):
    """No sign-up, no e-mail, our own notion of an address; signing in opens a locked session."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request) or ""

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        request.session.pop("until", None)
        lock.release(request)

    def send_mail(self, *args: Any, **kwargs: Any) -> None:
        """There need not be a mail server."""


class MfaAdapter(DefaultMFAAdapter):
    """A second factor is shown under the person's name: e-mail is optional here."""

    def get_totp_label(self, user: User) -> str:
        return user.get_username()


class SingleSignOnAdapter(DefaultSocialAccountAdapter):
    """Only people who were invited come in: by the account they used before, else by e-mail."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:  # noqa: ARG002
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Join a stranger's account to the one person with their verified address.

        Raises ImmediateHttpResponse, a page that says what to do, if there is no such person.
        """
        if sociallogin.is_existing:
            return
        verified = [each.email for each in sociallogin.email_addresses if each.verified]
        for address in verified:
            person = User.objects.filter(email__iexact=address, is_active=True).first()
            if person is not None:
                sociallogin.connect(request, person)
                return
        raise ImmediateHttpResponse(render(request, "accounts/not_invited.html", status=403))
