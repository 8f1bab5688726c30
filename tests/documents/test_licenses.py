"""One licence for rows under several: the strictest wins, or none does and the card says so."""

import pytest

from schemas.licenses import combine


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        (["apache-2.0", "mit"], "apache-2.0"),
        (["bsd-3-clause", "cc-by-4.0"], "cc-by-4.0"),
        (["apache-2.0", "cc-by-4.0"], "cc-by-4.0"),
        (["gpl-2.0", "apache-2.0"], "other"),
        (["gpl-3.0", "apache-2.0"], "gpl-3.0"),
        (["cc-by-4.0", "cc-by-nd-4.0"], "other"),
        (["cc-by-nc-4.0", "cc-by-nc-nd-4.0"], "other"),
        (["cc-by-3.0", "cc-by-4.0", "cc0-1.0"], "cc-by-4.0"),
        (["bsd", "bsd-2-clause", "bsd-3-clause"], "bsd-3-clause"),
        (["apache-2.0", "cc-by-nc-4.0", "cc-by-4.0"], "cc-by-nc-4.0"),
        (["CC-BY-SA-4.0", "CC0-1.0"], "cc-by-sa-4.0"),
        (["cc-by-nc-sa-4.0", "cc-by-nc-4.0"], "cc-by-nc-sa-4.0"),
        (["gpl-3.0", "mit"], "gpl-3.0"),
        (["MIT License", "mit"], "mit"),
        (["cc0", "apache 2.0"], "apache-2.0"),
        (["cc0"], "cc0-1.0"),
        (["cc-by-nc-4.0", "cc-by-sa-4.0"], "other"),
        (["cc-by-nc-nd-4.0", "cc-by-nc-sa-4.0"], "other"),
        (["gpl-3.0", "cc-by-sa-4.0"], "other"),
        (["cc-by-nc-4.0-custom"], "other"),
        (["mitsubishi-internal"], "other"),
        (["llama2"], "other"),
        (["mit", "unknown"], "other"),
        ([], "other"),
    ],
)
def test_the_licence_that_asks_for_all_wins(licenses, expected):
    combined = combine(licenses)
    assert combined.license == expected
    assert (combined.name is None) == (expected != "other")


def test_the_reason_names_what_is_asked_and_what_is_not_known():
    assert "attribution, no commercial use" in combine(["cc-by-nc-4.0", "mit"]).why
    odd = combine(["mit", "Our own terms", "unknown"])
    assert odd.unknown == ("Our own terms", "unknown")
    assert "Our own terms, unknown" in odd.why
    assert combine(["Our own terms"]).name == "our-own-terms"
    assert combine(["openrail++"]).name == "unknown-data-license"
    assert "apache-2.0 is strictest" in combine(["mit", "apache-2.0"]).why
    assert "(cc-by-nc-4.0, cc-by-sa-4.0)" in combine(["cc-by-nc-4.0", "cc-by-sa-4.0"]).why
    assert combine(["unknown"]).name == "unknown-data-license"
