"""What core says, in the reader's language, by its stable code.

Core writes English with the figures of the case. English pages show that; other languages show the
sentence of this table, which says the same without figures.
"""

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

# code: its title, and what happened with what to do.
Coded = dict[str, tuple[Promise, Promise]]
# Why there is no result.
NO_RESULT: Coded = {
    # The radiograph is unfit (core.quality).
    "wrong_modality": (
        _("Wrong modality"),
        _("Not a projection radiograph: Pneumoscope reads chest radiographs (CR, DX) only."),
    ),
    "lateral_view": (
        _("Lateral view"),
        _("Pneumoscope reads frontal chest radiographs only. Upload the PA or AP image."),
    ),
    "wrong_body_part": (
        _("Wrong body part"),
        _("Another part of the body: Pneumoscope reads the chest only."),
    ),
    "too_few_pixels": (_("Too few pixels"), _("Too few pixels. Upload the original image.")),
    "wrong_shape": (
        _("Wrong shape"),
        _("Too long and narrow for a frontal chest radiograph. Upload all of it."),
    ),
    "no_contrast": (
        _("No contrast"),
        _("The image is almost blank. Check the exposure and the export."),
    ),
    "colour_image": (
        _("Colour image"),
        _("A colour picture. Upload the radiograph itself, in shades of grey."),
    ),
    "not_a_frontal_chest": (
        _("Not a frontal chest"),
        _(
            "This does not look like a frontal chest radiograph. "
            "Upload an upright PA or AP image of the whole chest."
        ),
    ),
    "inverted_polarity": (
        _("Inverted polarity"),
        _("Air is bright and bone dark: the image is inverted. Export it with air dark."),
    ),
    "not_upright": (
        _("Not upright"),
        _("The chest seems to lie on its side or upside down. Rotate the image and resend."),
    ),
    # Files that are no radiograph (core.errors).
    "decode_error": (
        _("Decode error"),
        _("The file cannot be read. Export the radiograph again as DICOM, PNG, JPEG or TIFF."),
    ),
    "empty_file": (
        _("Empty file"),
        _("The file is empty. The transfer probably broke off: send the file again."),
    ),
    "file_too_large": (
        _("File too large"),
        _("The file is over the size limit. Send a single radiograph per file."),
    ),
    "unsupported_format": (
        _("Unsupported format"),
        _("The file is of no known image format. Use DICOM, PNG, JPEG or TIFF."),
    ),
    "truncated_file": (
        _("Truncated file"),
        _("The file ends too early. The transfer probably broke off: send the file again."),
    ),
    "corrupt_file": (
        _("Corrupt file"),
        _("The file is damaged: export it again from its source."),
    ),
    "image_too_large": (
        _("Image too large"),
        _("The image is larger than any radiograph. Send it at its acquired size."),
    ),
    "non_finite_pixels": (
        _("Non finite pixels"),
        _("Pixels have no finite value. Export the image again, best as DICOM or 16-bit PNG."),
    ),
    "no_pixel_data": (
        _("No pixel data"),
        _(
            "The DICOM object holds no image. "
            "Send the image object (CR, DX or secondary capture), not a report or a header."
        ),
    ),
    "multi_frame": (
        _("Multi frame"),
        _("The file holds several frames. Send a single-frame chest radiograph."),
    ),
    "unsupported_transfer_syntax": (
        _("Unsupported transfer syntax"),
        _(
            "The compression of the image cannot be read. Have the sender use "
            "Explicit VR Little Endian, JPEG, JPEG-LS, JPEG 2000 or RLE."
        ),
    ),
    "inconsistent_header": (
        _("Inconsistent header"),
        _("The header contradicts itself: export the image again from its source."),
    ),
    "archive_error": (
        _("Archive error"),
        _("The archive cannot be opened. Send the radiographs as a plain zip, or one by one."),
    ),
    "archive_too_large": (
        _("Archive too large"),
        _("The archive is too large. Split it into smaller ones."),
    ),
    "unsafe_archive": (
        _("Unsafe archive"),
        _("Make a plain zip of the image files alone, without links or zips inside."),
    ),
    "corrupt_archive": (
        _("Corrupt archive"),
        _("The archive is damaged or encrypted. Make it again, without a password."),
    ),
    # It went wrong here (studies.errors).
    "no_live_model": (
        _("No live model"),
        _("No model reads for this site. Ask your administrator."),
    ),
    "analysis_interrupted": (
        _("Analysis interrupted"),
        _(
            "The analysis broke off. Send the file again; "
            "if it fails again, ask your administrator."
        ),
    ),
}
WORDS: Coded = NO_RESULT | {
    # What is worth a remark.
    "few_pixels": (
        _("Few pixels"),
        _("Fewer pixels than the model was trained on: small findings may be lost."),
    ),
    "tinted_image": (
        _("Tinted image"),
        _(
            "A coloured picture, perhaps a photograph of a film: "
            "the result is less certain than from the digital original."
        ),
    ),
    "age_outside_population": (
        _("Age outside population"),
        _(
            "The patient’s age lies outside the ages on which the model was validated. "
            "Read the result with care."
        ),
    ),
    "view_outside_population": (
        _("View outside population"),
        _("The model was not validated on this view. Read the result with care."),
    ),
    "grey_from_colour": (
        _("Grey from colour"),
        _("A grey image stored in colour was read as grey."),
    ),
    "pixel_spacing_ignored": (
        _("Pixel spacing ignored"),
        _("Pixels are not square; they were left as they are."),
    ),
    "pixels_resampled": (
        _("Pixels resampled"),
        _("Pixels are not square; the image was resampled."),
    ),
    "pixel_spacing_invalid": (
        _("Pixel spacing invalid"),
        _("The pixel spacing is invalid; square pixels are assumed."),
    ),
    "no_file_meta": (_("No file meta"), _("The DICOM file meta information is missing.")),
    "for_processing": (
        _("For processing"),
        _("The image is for processing, not for presentation: its contrast is the detector’s."),
    ),
    "mirrored": (
        _("Mirrored"),
        _("Patient Orientation says that the image is mirrored: sides may be exchanged."),
    ),
    "dark_16_bit": (
        _("Dark 16 bit"),
        _(
            "The 16-bit image uses less than a sixteenth of its range: "
            "was it saved without scaling?"
        ),
    ),
    "range_assumed": (
        _("Range assumed"),
        _(
            "The file does not say what black and white are: "
            "its lowest and highest values are taken."
        ),
    ),
    "overlay_masked": (
        _("Overlay masked"),
        _("An overlay in unused bits of the pixels was left out."),
    ),
    "pixel_padding": (_("Pixel padding"), _("Padding around the image is shown as air.")),
    "several_windows": (
        _("Several windows"),
        _("The header offers several windows; the first is used."),
    ),
    "voi_lut_preferred": (
        _("VOI LUT preferred"),
        _("The VOI LUT is used rather than the window."),
    ),
    "voi_lut_bits": (
        _("VOI LUT bits"),
        _("The VOI LUT fills fewer bits than stated; those are used."),
    ),
    "window_ignored": (
        _("Window ignored"),
        _("The window shows nothing; the full range is used."),
    ),
    "window_invalid": (_("Window invalid"), _("The window is invalid; the full range is used.")),
    "rescale_invalid": (
        _("Rescale invalid"),
        _("The rescale values are invalid and left out."),
    ),
    "presentation_lut_conflict": (
        _("Presentation LUT conflict"),
        _("Presentation LUT Shape contradicts Photometric Interpretation, which is followed."),
    ),
    # What else went wrong (studies.errors, reviews.errors).
    "upload_damaged": (
        _("Upload damaged"),
        _("The file changed on its way, or while it was read: send it again."),
    ),
    "patient_details": (
        _("Patient details"),
        _("Correct the patient’s details beside the upload, then send the file again."),
    ),
    "too_much_unfinished": (
        _("Too much unfinished"),
        _("Finish or cancel what was begun, on the upload page, then send the file again."),
    ),
    "no_room": (
        _("No room"),
        _("The disk is full. Ask your administrator to free space, then send the file again."),
    ),
    "review_changed": (
        _("Review changed"),
        _(
            "Another review was saved meanwhile. "
            "Look at what stands now; then save again if you still want to."
        ),
    ),
    "reading_closed": (
        _("Reading closed"),
        _("There is nothing to decide here now, or a senior reader has decided already."),
    ),
    "not_independent": (
        _("Not independent"),
        _("You are one of the readers of this image. Ask another senior reader to decide."),
    ),
    "report_changed": (
        _("Report changed"),
        _(
            "Somebody saved this report after you opened it. Open it again; "
            "your words are still in the fields of this page to copy."
        ),
    ),
    "report_signed": (
        _("Report signed"),
        _("The report is signed already. Open it and write an addendum."),
    ),
    "report_not_signed": (
        _("Report not signed"),
        _("The report is not signed yet. Write into the draft, then sign it."),
    ),
}
ZONES: dict[str, Promise] = {
    "right upper zone": _("Right upper zone"),
    "right middle zone": _("Right middle zone"),
    "right lower zone": _("Right lower zone"),
    "left upper zone": _("Left upper zone"),
    "left middle zone": _("Left middle zone"),
    "left lower zone": _("Left lower zone"),
}


def title_of(code: str) -> str:
    """A code's title; of one that is not in the table, the code itself in words."""
    known = WORDS.get(code)
    return str(known[0]) if known else code.replace("_", " ").capitalize()


def said_of(code: str, english: str) -> str:
    """What happened and what to do. english: core's own words, with the figures of the case."""
    known = WORDS.get(code)
    return english if known is None or get_language() == settings.LANGUAGE_CODE else str(known[1])
