"""Regular expressions are counted before they are run: what never ends is no published one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from sightline.checkpoints import tokenizer_files
from sightline.errors import SpecError
from sightline.spec.space_marked import PIECES
from sightline.spec.tokenizer_patterns import MOST_LETTERS, given_back

# Pattern → how many of its repeats may have to be shortened; from transformers 5.23.
PUBLISHED = {
    PIECES: 0,  # ours
    tokenizer_files.PIECES: 0,  # CLIP's
    r"\s+": 0,
    " {2,}": 0,
    r"\s{2,}|[\n\r\t]": 0,
    " +▁": 1,
    r"[!\"\#\$%\&'\(\)\*\+,\-\./:;<=>\?@\[\\\]\^_`\{\|\}\~]": 0,  # punctuation, escaped by Python
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+": 1,  # GPT-2
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|"
    r"\s*[\r\n]+|\s+(?!\S)|\s+": 2,  # Qwen 2
}
KIND = "is of no kind that ends for certain (nested repeats, references)"
WAYS, NOTHING = "may try too many ways to match", "may match nothing at all"


@pytest.mark.parametrize("pattern", PUBLISHED)
def test_published_patterns_are_counted(pattern: str) -> None:
    assert given_back(pattern) == PUBLISHED[pattern]
    Split(Regex(pattern), "isolated")


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(x+x+)+y", KIND),
        ("^(([a-z ])+.)+[A-Z]$", KIND),
        (r"(a)\1", KIND),
        ("(?:a+|b)c", KIND),
        ("(?:a|b)*c", KIND),
        ("(?:a|)b", KIND),
        ("(?<=a)b", KIND),
        ("(?>a)", KIND),
        (r"\g<0>", KIND),
        ("(?i)a", KIND),
        ("a+?", KIND),
        ("a{2}{3}", KIND),
        ("[a", KIND),
        ("((", KIND),
        ("a" * (MOST_LETTERS + 1), KIND),
        ("x*x*y", WAYS),
        ("x{1,9}x{01}y", WAYS),
        ("(?:a|a|a)(?:a|a|a)b", WAYS),
        ("a?a?a?a?b", WAYS),
        ("", NOTHING),
        ("x*", NOTHING),
        ("a|x{0,3}", NOTHING),
        ("(?!a)", NOTHING),
    ],
)
def test_what_may_never_end_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(SpecError) as caught:
        given_back(pattern)
    shown = pattern if len(pattern) <= 60 else f"{pattern[:60]}…"
    assert str(caught.value) == (
        f"its regular expression {shown!r} {why}, and no published tokenizer has such: use another"
    )


ONES = ["x", ".", "[xy]", "[^z]", r"\w", r"\p{L}"]
GROUPS = ["(?:x|xx|y)", "(?:x|.)", "(?=x)", "(?!y)", "(?i:X|xx)"]
ITEMS = st.builds(str.__add__, st.sampled_from(ONES), st.sampled_from(["", "?", "*", "+", "{1,3}"]))
ALTERNATIVES = st.lists(ITEMS | st.sampled_from(GROUPS), min_size=1, max_size=6).map("".join)


@given(st.lists(ALTERNATIVES, min_size=1, max_size=3).map("|".join))
def test_whatever_is_accepted_ends(pattern: str) -> None:
    """The engine gives up, in a panic, after ten million tries at one place."""
    try:
        given_back(pattern)
    except SpecError:
        assume(False)
    split = Split(Regex(pattern), "isolated")
    for text in ("x" * 500 + "z", "xy" * 250, "x" * 250 + " " + "x" * 250):
        assert "".join(piece for piece, _ in split.pre_tokenize_str(text)) == text


def test_control_the_engine_gives_up_on_what_is_refused() -> None:
    with pytest.raises(BaseException, match="retry-limit-in-match over"):
        Split(Regex("(x+x+)+y"), "isolated").pre_tokenize_str("x" * 500)
