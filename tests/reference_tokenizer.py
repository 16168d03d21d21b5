"""The reference for CLIP's ids: open_clip_torch's copy of OpenAI's Python tokenizer."""

import importlib.util
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from hypothesis import strategies as st

# fmt: off
ODD = [
    "it’s", "“quoted”", "ﬁre ﬂy", "ＦＵＬＬ", "ｶﾞｷﾞ", "sÃ©lection", "â€œhiâ€\x9d", "\ufeffa", "ΟΔΟΣ",
    "Ǆungla", "ǅ", "İstanbul", "ẞ", "👨‍👩‍👧", "\u200d", "e\u0301", "\u0345", "a\u0345b", "!\u0345!",
    "'S", "'ſt", "'LL", "'Re", "x'dy", "''s", "12²½Ⅷ٣", "中文字", "カタカナ", "한글", "한", "क्षि",
    "&amp;amp;", "&lt;b&gt;", "&#128512;", "&NewLine;", "&#x1c;", "&", "<br>", "\x00", "\x1b[31m",
    "\x0b", "\x1c", "\x7f", "\x85", "\xa0", "\u2028", "\u3000", "\u00ad", "\u180e", "\u200b",
    "\U00031350", "\U0001faf8", "\ue000", "\ufffe", "\U0010ffff", "\ud83d\ude00", "\ud800",
    "\udc80", "<|startoftext|>", "<|endoftext|>", "<start_of_text>", "<END_OF_TEXT>",
    "<ſtart_of_text>",
    " ", "  ", "\t", "\r\n", "a", "photo", "Cat", "_", "...", "#1", "\\", "\u0301",
]
# fmt: on


def texts(max_size: int = 12) -> st.SearchStrategy[str]:
    """Draw texts of odd pieces and of any code points at all, surrogates among them."""
    piece = st.one_of(st.sampled_from(ODD), st.text(st.characters(), max_size=6))
    return st.lists(piece, max_size=max_size).map("".join)


@cache
def module() -> ModuleType:
    """Return open_clip/tokenizer.py, loaded by its path: the package itself needs torchvision."""
    package = importlib.util.find_spec("open_clip")
    assert package is not None
    assert package.origin is not None
    path = Path(package.origin).with_name("tokenizer.py")
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def reference() -> Any:
    """Return the reference as published: special words in a text become special ids."""
    return module()._tokenizer


@cache
def reference_without_special_words() -> Any:
    """Return the reference with its special words taken out of its pattern and its cache."""
    tokenizer = module().SimpleTokenizer()
    _, _, pattern = tokenizer.pat.pattern.split("|", 2)
    assert pattern.startswith("'s|'t")
    regex = module().re
    tokenizer.pat = regex.compile(pattern, regex.IGNORECASE)
    tokenizer.cache = {}
    return tokenizer
