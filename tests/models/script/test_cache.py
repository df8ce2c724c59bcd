"""Scripts by digest."""

from hashlib import sha1

from models.replies import ErrorReply
from models.script.cache import NO_SCRIPT, ScriptCache


def test_a_script_is_found_by_the_digest_of_its_text_in_either_case() -> None:
    """EVALSHA accepts upper-case digests, as bytes or text."""
    cache = ScriptCache()
    loaded = cache.load(b"return 1")
    digest = sha1(b"return 1").hexdigest()
    assert loaded.sha == digest
    assert cache.find(digest) is loaded
    assert cache.find(digest.upper().encode()) is loaded


def test_an_unknown_digest_finds_nothing_whatever_it_looks_like() -> None:
    """No digest raises: clients send what they like."""
    cache = ScriptCache()
    assert cache.find("0" * 40) is None
    assert cache.find(b"\xff\x00") is None
    assert ErrorReply(b"NOSCRIPT No matching script. Please use EVAL.") == NO_SCRIPT


def test_loading_the_same_text_again_gives_the_same_script() -> None:
    """EVAL sends the text each time; the cache holds it once."""
    cache = ScriptCache()
    assert cache.load(b"return 1") is cache.load(bytes(bytearray(b"return 1")))
    assert len(cache) == 1


def test_a_text_that_does_not_compile_is_kept_too() -> None:
    """The cache knows no Lua."""
    cache = ScriptCache()
    assert cache.find(cache.load(b"return +").sha) is not None
