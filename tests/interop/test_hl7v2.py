from datetime import date, datetime

import hl7
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interop import hl7_messages, studies
from pneumoscope.core.errors import PneumoscopeError
from pneumoscope.core.render import RESEARCH_USE_ONLY
from pneumoscope.interop import hl7v2
from pneumoscope.interop.delivery import DeliveryRejected, PeerBusy, UnreadableAnswer
from pneumoscope.interop.hl7v2_ack import check_acknowledgement, read_acknowledgement, respond
from pneumoscope.interop.hl7v2_inbound import Order, PatientMerge, PatientUpdate, read
from pneumoscope.interop.hl7v2_result import Parties, control_id, result_message
from pneumoscope.interop.hl7v2_text import (
    Delimiters,
    Hl7Error,
    NotInCharacterSet,
    UnsupportedCharacterSet,
    escape,
    unescape,
)
from pneumoscope.interop.reported import dicom_name, person_names

RIS = Parties("RIS", "HOSP")
some = settings(max_examples=30, deadline=None)


def told(text, **kwargs):
    return read(hl7v2.parse(text.encode(), **kwargs))


def accept(*_):
    pass


# --- text ---------------------------------------------------------------------------------------

TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=40)


@some
@given(TEXT)
def test_escaping_round_trips(value):
    written = escape(value, Delimiters())
    assert not set(written) & set("|^~&\r\n")
    assert unescape(written, Delimiters()) == value.replace("\r\n", "\n").replace("\r", "\n")


@some
@given(st.lists(st.lists(TEXT, min_size=1, max_size=3), min_size=1, max_size=3))
def test_messages_round_trip(values):
    header = hl7v2.segment("MSH", {9: ("ORU", "R01"), 10: "1", 12: "2.5.1"})
    body = hl7v2.segment("ZZZ", {1: "begin", 2: [tuple(each) for each in values], 3: "end"})
    read_back = hl7v2.parse(hl7v2.write(hl7v2.Message((header, body))))
    field = read_back.segments[1]
    for repetition, components in enumerate(values, 1):
        for place, value in enumerate(components, 1):
            found = field.text(2, place, repetition=repetition)
            assert found == value.replace("\r\n", "\n").replace("\r", "\n").strip()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"a\F\b\S\c\T\d\R\e\E\f", "a|b^c&d~e\\f"),
        (r"\E\F\E\ ", "\\F\\ "),
        (r"\X41C3A9\ \.br\next \H\bold\N\ ", "Aé \nnext bold "),
        (r"C:\path\file", r"C:\path\file"),
        (r"open \X4", r"open \X4"),
        (r"\XFF\ ", r"\XFF\ "),
        (r"\Zown\ ", r"\Zown\ "),
    ],
)
def test_escape_sequences_are_read(written, meant):
    assert unescape(written, Delimiters()) == meant


@pytest.mark.parametrize(
    ("name", "character_set", "codec"),
    [
        ("Müller^Åsa", "8859/1", "iso8859-1"),
        ("Müller^Åsa", "ISO_8859-1", "iso8859-1"),
        ("Люкceмбypг^Анна", "8859/5", "iso8859-5"),
        ("山田^太郎", "ASCII~ISO IR87", "iso2022_jp"),
        ("ﾔﾏﾀﾞ^ﾀﾛｳ", "ISO IR13~ISO IR87", "iso2022_jp_ext"),
        ("王^小东", "GB 18030-2000", "gb18030"),
        ("許^功蓋", "BIG-5", "big5"),
        ("शर्मा^अनिल", "UNICODE UTF-8", "utf-8"),
    ],
)
def test_names_are_read_in_the_character_set_named(name, character_set, codec):
    text = hl7_messages.A08.replace("Doe^Jane", name)
    text = text.replace("|P|2.5.1", f"|P|2.5.1||||||{character_set}")
    [update] = read(hl7v2.parse(text.encode(codec)))
    assert update.patient.name == name


def test_japanese_escapes_may_be_written_out():
    text = hl7_messages.A08.replace("|P|2.5.1", "|P|2.5.1||||||ASCII~ISO IR87")
    jis = "山田".encode("iso2022_jp")[3:-3].decode()
    [update] = told(text.replace("Doe^Jane", rf"\M2442\{jis}\C2842\^Taro"))
    assert update.patient.name == "山田^Taro"


def test_without_a_character_set_utf_8_is_tried_then_latin_1():
    text = hl7_messages.A08.replace("Doe", "Müller")
    for data in (text.encode(), text.encode("latin-1")):
        [update] = read(hl7v2.parse(data))
        assert update.patient.name == "Müller^Jane"
    cyrillic = hl7_messages.A08.replace("Doe", "Иванов").encode("iso8859-5")
    [update] = read(hl7v2.parse(cyrillic, "8859/5"))
    assert update.patient.name == "Иванов^Jane"


def test_a_character_set_unknown_or_untrue_is_named():
    for declared in ("EBCDIC", "ASCII"):
        text = hl7_messages.A08.replace("|P|2.5.1", f"|P|2.5.1||||||{declared}")
        with pytest.raises(UnsupportedCharacterSet):
            told(text.replace("Doe", "Müller"))


@some
@given(st.text(max_size=30))
def test_names_round_trip(value):
    names = person_names(value)
    assert person_names(dicom_name(names)) == names


# --- what messages tell -------------------------------------------------------------------------


def test_an_orm_is_an_order():
    [order] = told(hl7_messages.ORM)
    assert isinstance(order, Order)
    assert order.patient.id == "4711"
    assert order.patient.authority == "2.16.840.1.113883.19.5"
    assert order.patient.name == "Müller^Åsa^Zoë^Dr.^Jr."
    assert order.patient.birth_date == date(1957, 3, 1)
    assert (order.control, order.placer_order_number) == ("NW", "ORD-1")
    assert (order.accession_number, order.study_instance_uid) == ("ACC-1", "1.2.3.4")
    assert (order.modality, order.priority) == ("DX", "S")
    assert order.procedure_text == "Chest PA & lateral"
    assert order.indication == "Cough; Fever; cough \\ fever; Pneumonia, unspecified"
    assert order.scheduled == datetime(2026, 11, 22, 9, 5)  # noqa: DTZ001 - sender's local time


def test_an_omi_may_hold_several_orders():
    first, second = told(hl7_messages.OMI)
    assert (first.accession_number, second.accession_number) == ("ACC-1", "ACC-2")
    assert (first.control, second.control) == ("NW", "CA")
    assert first.patient.birth_date is None  # the message says only the year


def test_without_an_accession_number_the_filler_number_stands_in():
    [order] = told(hl7_messages.ORM.replace("ACC-1", ""))
    assert order.accession_number == "FIL-1"


def test_an_update_tells_what_is_unknown_from_what_is_deleted():
    [update] = told(hl7_messages.A08)
    assert isinstance(update, PatientUpdate)
    assert (update.patient.id, update.patient.authority) == ("4711", "HOSP")
    assert update.patient.birth_date is None
    [other] = told(hl7_messages.A08.replace("|M\r", '|""\r').replace('Doe^Jane^""', ""))
    assert (other.patient.sex, other.patient.name) == ("", None)


def test_a_merge_names_both_sides():
    first, second = told(hl7_messages.A40)
    assert isinstance(first, PatientMerge)
    assert first.surviving.id == "4711"
    assert first.merged == (("4712", "HOSP"), ("4713", "HOSP"))
    assert (second.surviving.id, second.merged) == ("5711", (("5712", "HOSP"),))


@pytest.mark.parametrize(
    ("kept", "merged", "numbers"),
    [
        ("4711^^^HOSP^MR~99^^^NAT^NI", "4712^^^HOSP^MR~98^^^NAT^NI", ["4712"]),
        ("4711^^^HOSP^MR", "98^^^NAT^NI~4712^^^HOSP^MR~4713^^^HOSP^MR", ["4712", "4713"]),
        ("4711^^^HOSP^MR", "98^^^NAT^NI~4712^^^OLD^MR", ["4712"]),
        ("4711", "4712", ["4712"]),
    ],
)
def test_only_numbers_of_the_same_kind_are_merged(kept, merged, numbers):
    message = hl7v2.parse(
        f"MSH|^~\\&|ADT|HOSP|||20261122||ADT^A40|M|P|2.5.1\rPID|1||{kept}\rMRG|{merged}\r".encode()
    )
    [told] = read(message)
    assert [number for number, _ in told.merged] == numbers


def test_the_record_number_is_taken_before_other_numbers():
    text = hl7_messages.A08.replace("4711^^^HOSP^PI", "1^^^NAT^NI~4711^^^HOSP^MR")
    assert told(text)[0].patient.id == "4711"


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_line_ends_may_be_of_any_kind(end):
    assert told(hl7_messages.OMI.replace("\r", end)) == told(hl7_messages.OMI)


def test_own_delimiters_are_honoured():
    text = hl7_messages.A08.translate(str.maketrans("|^~\\&", "#*!?$"))
    assert told(text) == told(hl7_messages.A08)


# --- acknowledgements ---------------------------------------------------------------------------


@pytest.mark.parametrize("text", hl7_messages.ALL.values(), ids=hl7_messages.ALL)
def test_what_is_kept_is_acknowledged(text):
    kept = []
    answer = respond(text.encode(), kept.append)
    assert tuple(kept) == told(text)
    control = hl7v2.parse(text.encode()).control_id
    assert check_acknowledgement(answer, control).verdict == "AA"
    assert hl7.parse(answer.decode())["MSH"][0][5][0] in ("RIS", "ADT")


@pytest.mark.parametrize(
    ("data", "verdict", "condition", "location"),
    [
        (b"", "AR", "100", ""),
        (b"GET / HTTP/1.1\r\n\r\n", "AR", "100", ""),
        (b"MSH|||||", "AR", "100", ""),
        (b"MSH|^~\\&", "AR", "200", "MSH"),
        (hl7_messages.A08.replace("A08", "A01").encode(), "AR", "200", "MSH"),
        (hl7_messages.A08.replace("4711", "").encode(), "AE", "101", "PID"),
        (hl7_messages.OMI.replace("\rO", "\rZ").encode(), "AE", "101", "ORC"),
        (hl7_messages.A40.replace("MRG|", "ZRG|").encode(), "AE", "101", "MRG"),
        (hl7_messages.ORM.replace("19570301", "01.03.57").encode(), "AE", "102", "PID"),
        (hl7_messages.ORM.replace("UTF-8", "UTF-9").encode(), "AR", "103", "MSH"),
    ],
)
def test_a_message_at_fault_is_answered_with_the_reason(data, verdict, condition, location):
    kept = []
    answer = respond(data, kept.append)
    said = read_acknowledgement(answer)
    assert (said.verdict, said.condition) == (verdict, condition)
    assert said.reason
    assert hl7v2.parse(answer).first("ERR").text(2) == location
    assert not kept


@pytest.mark.parametrize("error", [RuntimeError("disk 4711"), PneumoscopeError("locked")])
def test_what_cannot_be_kept_is_not_acknowledged(error):
    def fail(_):
        raise error

    said = read_acknowledgement(respond(hl7_messages.ORM.encode(), fail))
    assert (said.verdict, said.condition) == ("AE", "207")
    assert "4711" not in said.reason


def test_acknowledgements_keep_the_senders_character_set():
    text = hl7_messages.A08.replace("|P|2.5.1", "|P|2.5.1||||||8859/1").replace("MSG3", "é")
    answer = respond(text.encode("latin-1"), accept)
    assert check_acknowledgement(answer, "é").verdict == "AA"
    assert "é".encode("latin-1") in answer


@some
@given(st.binary(max_size=200))
def test_no_bytes_stop_the_listener(data):
    for sent in (data, b"MSH|^~\\&|" + data, hl7_messages.ORM.encode()[:60] + data):
        assert read_acknowledgement(respond(sent, accept)).verdict in {"AA", "AE", "AR"}


@some
@given(st.integers(0, len(hl7_messages.ORM) - 1), st.integers(0, 255), st.sampled_from("rdi"))
def test_no_damage_stops_the_listener(place, byte, kind):
    data = bytearray(hl7_messages.ORM.encode())
    data[place : place + (kind != "i")] = b"" if kind == "d" else bytes([byte])
    assert read_acknowledgement(respond(bytes(data), accept)).verdict in {"AA", "AE", "AR"}


@some
@given(st.binary(max_size=200))
def test_no_answer_stops_the_sender(data):
    for sent in (data, b"MSH|^~\\&|||||||ACK|1|P|2.5\rMSA|" + data):
        try:
            check_acknowledgement(sent, "1")
        except (UnreadableAnswer, DeliveryRejected, PeerBusy):
            continue


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("MSA|AE|1|Unknown patient", DeliveryRejected),
        ("MSA|AR|1\rERR|||204^Unknown key^HL70357|E||||Unknown patient", DeliveryRejected),
        ("MSA|CR|1\rERR|PID^1^3^204&Unknown patient", DeliveryRejected),
        ("MSA|AE|1\rERR|||206^Record locked^HL70357|E", PeerBusy),
        ("MSA|AA|2", UnreadableAnswer),
        ("MSA|OK|1", UnreadableAnswer),
        ("ZZZ|AA|1", UnreadableAnswer),
    ],
)
def test_each_answer_is_a_named_error(answer, error):
    with pytest.raises(error) as raised:
        check_acknowledgement(f"MSH|^~\\&|||||||ACK|1|P|2.5.1\r{answer}\r".encode(), "1")
    if error is DeliveryRejected:
        assert "Unknown patient" in str(raised.value)


# --- results ------------------------------------------------------------------------------------


def obx(data):
    message = hl7v2.parse(data)
    return [each for each in message.segments if each.name == "OBX"]


def test_a_positive_result_tells_finding_probability_zone_and_use():
    study = studies.positive(link="https://pneumoscope.example/studies/1?a=1&b=2")
    segments = obx(result_message(study, RIS, pdf=b"%PDF-1.7"))
    assert [each.text(2) for each in segments] == ["CWE", "NM", "CWE", "TX", "TX", "RP", "ED"]
    finding, number, zone, words, use, link, report = segments
    assert (finding.text(3), finding.text(5, 2), finding.text(8)) == ("233604007", "Present", "A")
    assert (number.text(5), number.text(6), number.text(7)) == ("0.873100", "1", "<0.420000")
    assert zone.text(5, 9) == "right lower zone"
    assert "right lower zone" in words.text(5)
    assert use.text(5) == RESEARCH_USE_ONLY.replace("–", "-") + "."
    assert link.text(5) == study.link
    assert report.text(5, 5) == "JVBERi0xLjc="
    assert {each.text(11) for each in segments} == {"P"}


def test_a_rejected_radiograph_has_no_number():
    segments = obx(result_message(studies.rejected(), RIS))
    assert {each.text(11) for each in segments} == {"X"}
    assert "NM" not in {each.text(2) for each in segments}
    assert segments[0].text(5) == ""
    assert "lateral" in segments[1].text(5)


@pytest.mark.parametrize(
    ("script", "character_set", "codec"),
    [
        ("latin", "8859/1", "iso8859-1"),
        ("cyrillic", "8859/5", "iso8859-5"),
        ("japanese", "ASCII~ISO IR87", "iso2022_jp"),
        *((script, "UNICODE UTF-8", "utf-8") for script in studies.NAMES),
    ],
)
def test_results_carry_names_in_every_script(script, character_set, codec):
    study = studies.positive(patient_name=studies.NAMES[script])
    data = result_message(study, RIS, character_set=character_set)
    pid = hl7v2.parse(data).first("PID")
    groups = studies.NAMES[script].split("=")
    for place, group in enumerate(groups, 1):
        family, given = group.split("^")[:2]
        assert (pid.text(5, 1, repetition=place), pid.text(5, 2, repetition=place)) == (
            family,
            given,
        )
    # Someone else's parser reads the same.
    other = hl7.parse(data.decode(codec))
    assert str(other["PID"][0][5]).split("~")[-1].split("^")[0] == groups[-1].split("^")[0]
    # And what we write as PID we read as the same DICOM name.
    [update] = read(hl7v2.parse(data.replace(b"ORU^R01^ORU_R01", b"ADT^A08^ADT_A01")))
    assert update.patient.name == studies.NAMES[script]


def test_a_name_the_character_set_cannot_hold_is_refused():
    study = studies.positive(patient_name=studies.NAMES["hindi"])
    with pytest.raises(NotInCharacterSet) as raised:
        result_message(study, RIS, character_set="8859/1")
    assert not raised.value.transient


@some
@given(TEXT, TEXT, TEXT)
def test_any_text_gives_a_message_that_others_can_read(name, procedure, accession):
    study = studies.positive(
        patient_name=name, procedure_text=procedure, accession_number=accession
    )
    data = result_message(study, RIS)
    ours, theirs = hl7v2.parse(data), hl7.parse(data.decode())
    assert len(ours.segments) == len(theirs)
    assert [each.name for each in ours.segments] == [str(each[0]) for each in theirs]


def test_the_same_result_is_the_same_message():
    first = result_message(studies.positive(), RIS)
    assert first == result_message(studies.positive(), RIS)
    assert control_id(studies.positive()) != control_id(studies.positive(result_id="another"))
    assert len(control_id(studies.positive())) == 20


def test_every_fault_has_a_code_and_a_remedy():
    for error in (UnsupportedCharacterSet, NotInCharacterSet, *Hl7Error.__subclasses__()):
        assert error.code.startswith("hl7_")
        assert error.remedy
