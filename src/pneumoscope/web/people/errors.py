"""What people management refuses."""

from django.utils.translation import gettext_lazy as _

from pneumoscope.core.errors import PneumoscopeError


class LastAdministrator(PneumoscopeError):
    """A site would be left with nobody who can let people in."""

    code = "last_administrator"
    remedy = _("Make somebody else administrator of the site first.")


class NotYours(PneumoscopeError):
    """The person also works where the acting administrator does not administer."""

    code = "person_of_other_sites"
    remedy = _(
        "Ask an administrator of all of this person’s sites. "
        "The role at your own site can be changed."
    )
