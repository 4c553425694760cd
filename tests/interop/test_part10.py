from io import BytesIO

from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian

from pneumoscope.interop.part10 import file_head
from pneumoscope.interop.uids import IMPLEMENTATION_CLASS_UID

UIDS = st.from_regex(r"\A1\.2(\.[1-9][0-9]{0,8}){1,6}\Z")


@given(UIDS, UIDS)
def test_pydicom_reads_the_head(sop_class_uid, sop_instance_uid):
    head = file_head(sop_class_uid, sop_instance_uid, ExplicitVRLittleEndian)
    assert head == file_head(sop_class_uid, sop_instance_uid, ExplicitVRLittleEndian)
    meta = dcmread(BytesIO(head)).file_meta
    assert meta.MediaStorageSOPClassUID == sop_class_uid
    assert meta.MediaStorageSOPInstanceUID == sop_instance_uid
    assert meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
    assert meta.FileMetaInformationVersion == b"\0\1"
    assert meta.FileMetaInformationGroupLength == len(head) - 144
