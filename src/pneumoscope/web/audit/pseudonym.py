"""What a patient is called where names are not shown: on the worklist and in the audit trail."""

from django.utils.crypto import salted_hmac


def patient_pseudonym(site_id: int, patient_id: str) -> str:
    """The same patient of a site gets the same name, and only this installation can make it.

    So the trail holds no patient, and can still be searched for one whose ID is known. Empty for
    an empty ID.
    """
    if not patient_id:
        return ""
    digest = salted_hmac("patient pseudonym", f"{site_id}\n{patient_id}").hexdigest()
    return f"P-{digest[:8].upper()}"
