"""An installation of the first version keeps its people and their one role."""

from web.installation import Installation


def execute(installation: Installation, *statements: str) -> None:
    lines = "; ".join(f"connection.cursor().execute({sql!r})" for sql in statements)
    installation.manage("shell", "-c", f"from django.db import connection; {lines}")


def test_a_role_becomes_a_membership(tmp_path):
    installation = Installation(tmp_path)
    installation.manage("migrate", "accounts", "0001", "--verbosity", "0")
    execute(
        installation,
        "INSERT INTO accounts_site (id, name, slug) VALUES (7, 'North', 'north')",
        "INSERT INTO accounts_user (id, username, password, role, site_id, is_superuser, is_staff,"
        " is_active, first_name, last_name, email, date_joined)"
        " VALUES (3, 'ann', 'x', 'auditor', 7, 0, 0, 1, '', '', '', '2026-01-01')",
    )
    installation.manage("migrate", "--verbosity", "0")
    memberships = installation.rows("SELECT user_id, site_id, role FROM accounts_membership")
    assert memberships == [(3, 7, "auditor")]
    assert installation.rows("SELECT code, time_zone, active FROM accounts_site") == [
        ("north", "UTC", 1)
    ]
    assert "No changes" in installation.manage("makemigrations", "accounts", "--check", "--dry-run")
