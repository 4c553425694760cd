"""Words on paper: a font for every stretch, letters joined, nothing lost and nothing another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfgen.canvas import Canvas

from pneumoscope.web.reviews.report_text import REGULAR, Words, _runs, fonts_register

WIDTH = 200
STYLE = ParagraphStyle("text", fontName=REGULAR, fontSize=10, leading=14)
LATIN, DEVANAGARI = "NotoSans-Regular", "NotoSansDevanagari-Regular"
# What people here write: letters with marks, numbers, signs, and what no font has.
TEXTS = st.text(
    st.one_of(
        st.characters(max_codepoint=0x24F),
        st.characters(min_codepoint=0x900, max_codepoint=0x97F),
        st.sampled_from(" \n–\u0302\u200d山ﾔ김伟א\ue000𠮷"),
    ),
    max_size=120,
)


@pytest.fixture(autouse=True)
def _fonts():
    fonts_register()


def fonts_of(text):
    return [(run.font, run.text) for run in _runs(text, STYLE)]


def lines_of(text, width=WIDTH):
    words = Words(text, STYLE)
    words.wrap(width, 0)
    return words.lines


@pytest.mark.parametrize("joined", ["क्षत्रिय", "ज्ञान", "द्वितीय", "श्री"])
def test_devanagari_is_joined(joined):
    [run] = _runs(joined, STYLE)
    assert len(run.glyphs) < len(joined)


def test_the_short_i_stands_before_its_letter():
    [short], [letter], [both] = (_runs(text, STYLE) for text in ("ि", "क", "कि"))
    assert both.glyphs.endswith(letter.glyphs)
    assert short.text == "ि"


@pytest.mark.parametrize("text", ["Щербакова", "Παπαδόπουλος", "Nguyễn Thị Hường", "Şükrü Łódź"])
def test_europe_and_vietnam_are_of_one_font(text):
    assert fonts_of(text) == [(LATIN, text)]


def test_a_word_may_be_of_two_fonts_and_each_joins():
    assert fonts_of("X-रे") == [(LATIN, "X-"), (DEVANAGARI, "रे")]
    assert fonts_of("क्\u200dष।") == [(DEVANAGARI, "क्\u200dष।")]


@pytest.mark.parametrize(
    ("name", "font"),
    [
        ("山田太郎", "HeiseiKakuGo-W5"),
        ("ﾔﾏﾀﾞ", "HeiseiKakuGo-W5"),
        ("王伟", "STSong-Light"),
        ("김철수", "HYSMyeongJo-Medium"),
    ],
)
def test_east_asian_names_are_asked_of_one_font(name, font):
    assert fonts_of(name) == [(font, name)]


@pytest.mark.parametrize("text", ["محمد", "שלום", "ไทย", "\ue000\ue001", "𠮷", "\x00", "\ud800"])
def test_what_no_font_has_is_a_question_mark(text):
    _runs("क्ष", STYLE)  # leaves its joined letter in private use
    assert "".join(run.text for run in _runs(text, STYLE)) == "?" * len(text)
    assert fonts_of("𠮷田") == [(LATIN, "?"), ("HeiseiKakuGo-W5", "田")]


@given(TEXTS)
def test_lines_hold_every_letter_and_fit(text):
    words = Words(text, STYLE)
    words.wrap(WIDTH, 0)
    assert "".join("".join(words.lines).split()) == "".join(words.text.split())
    for line in words.lines:
        assert sum(run.width for run in _runs(line, STYLE)) < WIDTH + 1  # kerning at a space


@given(TEXTS, st.integers(14, 140))
def test_pages_hold_the_same_lines(text, height):
    whole = Words(text, STYLE)
    whole.wrap(WIDTH, 0)
    parts = whole.split(WIDTH, height)
    for part in parts:
        part.wrap(WIDTH, 0)
    assert [line for part in parts for line in part.lines] == whole.lines
    assert parts[0].height <= height


def test_no_room_for_a_line_is_the_next_page():
    words = Words("One line", STYLE)
    words.wrap(WIDTH, 0)
    assert words.split(WIDTH, 13) == []


def test_what_is_copied_is_what_was_written(tmp_path):
    canvas = Canvas(str(tmp_path / "page.pdf"), pageCompression=0)
    words = Words("राजेश्वरी Doe", STYLE)
    words.wrapOn(canvas, WIDTH, 0)
    words.drawOn(canvas, 0, 0)
    canvas.save()
    page = (tmp_path / "page.pdf").read_bytes()
    assert "\ufeffराजेश्वरी".encode("utf-16-be").hex().encode() in page
    assert b"(Doe)" in page or b"( Doe)" in page
