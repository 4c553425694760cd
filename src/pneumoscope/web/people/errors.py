"""What people management refuses."""

from pneumoscope.core.errors import PneumoscopeError


class LastAdministrator(PneumoscopeError):
    """A site would be left with nobody who can let people in."""

    code = "last_administrator"
    remedy = "Make somebody else administrator of the site first."


class NotYours(PneumoscopeError):
    """The person also works where the acting administrator does not administer."""

    code = "person_of_other_sites"
    remedy = "Ask an administrator of all of this person's sites; a role here can be changed here."
