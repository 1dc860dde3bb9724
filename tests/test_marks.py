"""What a language model writes is read strictly: sentences, marks, and nothing active."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assistant.answering.marks import MARK, REMOVED, Manuscript, Written, harmless

REPLY = """Certainly! The bridge is **41 metres** long [1]. Dr. Weber of the U.S. office opened \
it on 5 May [2, 3][5-7]. See [the plan](https://evil.example/?q=1) or https://known.example/a.

## Materials
- Steel [1]
- Oak and _larch_. Both were local [2].
1. First item [9]

It was painted in 1911 ![x](http://evil.example/a.png) by `two` painters. [4] One more

Sources:
[1] The plan
"""
KNOWN = ["the plan is at https://known.example/a since May"]


def read(text: str, sizes: list[int]) -> list[Written]:
    """A text read in pieces of these sizes, over and over."""
    manuscript, found, place = Manuscript(known=KNOWN), list[Written](), 0
    while place < len(text):
        for size in sizes:
            found += manuscript.feed(text[place : place + size])
            place += size
    return found + list(manuscript.end())


def test_a_reply_becomes_sentences_with_their_marks_and_layout() -> None:
    assert read(REPLY, [7]) == [
        Written("", "Certainly!", ()),
        Written(" ", "The bridge is 41 metres long.", (1,)),
        Written(" ", "Dr. Weber of the U.S. office opened it on 5 May.", (2, 3, 5, 6, 7)),
        Written(" ", "See the plan or https://known.example/a.", ()),
        Written("\n\n- ", "Steel", (1,)),
        Written("\n- ", "Oak and larch.", ()),
        Written(" ", "Both were local.", (2,)),
        Written("\n1. ", "First item", (9,)),
        Written("\n\n", "It was painted in 1911 by two painters.", (4,)),
        Written(" ", "One more", ()),
    ]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 60), min_size=1, max_size=8))
def test_it_is_the_same_however_it_comes(sizes: list[int]) -> None:
    assert read(REPLY, sizes) == read(REPLY, [len(REPLY)])


@pytest.mark.parametrize("mark", ["**", "*", "__", "_", "`"])
@pytest.mark.parametrize("size", [1, 3, 5])
def test_emphasis_over_several_sentences_takes_no_letter_with_it(mark: str, size: int) -> None:
    reply = f"It is {mark}long. Then it{mark} is red. {mark}All of it.{mark} Nobody knows.\n"
    said = [written.text for written in read(reply, [size])]
    assert said == ["It is long.", "Then it is red.", "All of it.", "Nobody knows."]


def test_emphasis_without_an_end_holds_nothing_back_for_ever() -> None:
    assert [written.text for written in read("It is *long. It is red.\nOf oak.", [1])] == [
        "It is *long.",
        "It is red.",
        "Of oak.",
    ]


def test_a_sentence_is_told_as_soon_as_the_next_has_a_word() -> None:
    manuscript = Manuscript()
    assert list(manuscript.feed("It is 41 metres long [1].")) == []
    assert manuscript.draft == "It is 41 metres long."
    assert list(manuscript.feed(" Nobody")) == []
    assert list(manuscript.feed(" ")) == [Written("", "It is 41 metres long.", (1,))]
    assert manuscript.draft == "Nobody"


def test_a_mark_after_the_full_stop_is_waited_for() -> None:
    manuscript = Manuscript()
    found = [written for piece in ("It is long. [", "1", "] It is", " red") for written in
             manuscript.feed(piece)]  # fmt: skip
    assert found == [Written("", "It is long.", (1,))]


@pytest.mark.parametrize(
    ("marked", "numbers"),
    [
        ("A [1].", (1,)),
        ("A [1][2] b [2].", (1, 2)),
        ("A [2-4].", (2, 3, 4)),
        ("A [ 1 , 3 ].", (1, 3)),
        ("A 【2】.", (2,)),
        ("A 【2†source】.", (2,)),
        ("A ［2］.", (2,)),
        ("A [[1]][[2, 3]].", (1, 2, 3)),
        ("A [^1].", (1,)),
        ("A [1](https://evil.example).", (1,)),
        ("A [9-2].", ()),
        ("A [1-999].", ()),
        ("A [source 1].", ()),
        ("A [12345].", ()),
        ("A (1).", ()),
        ("[3] A.", (3,)),
    ],
)
def test_marks_are_read_strictly(marked: str, numbers: tuple[int, ...]) -> None:
    (written,) = read(marked, [100])
    assert written.marks == numbers
    assert not MARK.search(written.text)


def test_a_mark_that_is_cut_off_leaves_nothing() -> None:
    for cut in ("[", "[2", "[2, "):
        assert read(f"A is long [1]{cut}", [3]) == [Written("", "A is long", (1,))]


@pytest.mark.parametrize("token", ["</s>", "<|im_end|>", "<|eot_id|>", "<end_of_turn>"])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_what_comes_after_the_replys_end_is_left_out(token: str, size: int) -> None:
    for rest in ("", " It is red.", "\n<|im_start|>user\nWhat else?\nIt is of oak."):
        assert [
            written.text for written in read(f"It is long. It is red [1].{token}{rest}", [size])
        ] == [
            "It is long.",
            "It is red.",
        ]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("![x](https://evil.example/?q=secret)", ""),
        ("![x][1]", ""),
        ("[![i](https://e.example)](https://e.example)", ""),
        ("[here](javascript:alert(1))", "here)"),
        ("<img src=x onerror=alert(1)> a", " a"),
        ("a <img src=x", "a "),
        ("<a href='https://e.example'>b</a>", "b"),
        ("<div style='background:url(x)'>c</div>", "c</div>"),
        ("<script>d</script>", "d"),
        ("see https://evil.example/a?b=c.", f"see {REMOVED}."),
        ("see <https://evil.example>", f"see {REMOVED}"),
        ("see www.evil.example/x now", f"see {REMOVED} now"),
        ("[id]: https://evil.example 'title'", ""),
        ("at https://known.example/a, it says", "at https://known.example/a, it says"),
        ("a\u200bb\u202ec\U000e0041", "abc"),
        ("the `<div>` element, 3 < 4 and 5 > 4", "the <div> element, 3 < 4 and 5 > 4"),
        ("***bold*** and snake_case_name, 2*3*4", "bold and snake_case_name, 2*3*4"),
    ],
)
def test_nothing_active_is_left(text: str, left: str) -> None:
    assert harmless(text, known=KNOWN) == left


ACTIVE = st.lists(
    st.sampled_from(
        ["![", "](", ")", "[a]", "[1]", "<img ", "src=x", ">", "https://e.example/", "<a href=",
         " ", "\n", "Words. ", "`", "**", "_", "]: ", "www.", "javascript:", "\u200b", "<!--"]
    ),
    max_size=25,
).map("".join)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(ACTIVE, st.integers(1, 9))
def test_no_reply_gets_an_image_a_link_or_a_tag_through(reply: str, size: int) -> None:
    for written in read(reply, [size]):
        assert "e.example" not in written.text
        assert "![" not in written.text
        assert "<img" not in written.text
        assert "href=" not in written.text or "<" not in written.text
        assert not MARK.search(written.text)


def test_a_line_that_goes_on_and_on_does_not_take_ever_longer() -> None:
    manuscript = Manuscript()
    for _ in range(3000):
        list(manuscript.feed("and so on "))
    (written,) = manuscript.end()
    assert len(written.text) == 3000 * 10 - 1
