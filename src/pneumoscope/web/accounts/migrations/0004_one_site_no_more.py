"""Role and site of a person are in their memberships now."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_membership_token")]

    operations = [
        migrations.RemoveConstraint("user", "user_role_known"),
        migrations.RemoveField("user", "role"),
        migrations.RemoveField("user", "site"),
        # Knox's own table of tokens, before they had a scope and a site.
        migrations.RunSQL("DROP TABLE IF EXISTS knox_authtoken", migrations.RunSQL.noop),
    ]
