"""Deduplication: folding, shingles, signatures, and who survives."""

from itertools import pairwise
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from batches import batch_of
from datasketch import LeanMinHash, MinHash, MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.stages.dedup import survivors
from curation.stages.dedup.candidates import RECALL, band_keys, banding, pairs
from curation.stages.dedup.components import Components
from curation.stages.dedup.prefixes import prefix_buckets
from curation.stages.dedup.shingles import jaccard, shingles
from curation.stages.dedup.signatures import Signing, minhash, signatures
from curation.stages.dedup.survivors import Compared, find_duplicates
from curation.stages.dedup.text import TURN_SEPARATOR, compared_text, fold
from curation.text.codepoints import CodePoints

TEXTS = st.lists(st.text(st.sampled_from("一二三四五六abc1. ，\n"), max_size=30), max_size=20)


def points(texts):
    return CodePoints.of(pa.array(texts, pa.string()))


def folded(text):
    return "".join(map(chr, fold(points([text])).points))


def shingle_set(text, n):
    return {text[i : i + n] for i in range(len(text) - n + 1)} if len(text) >= n else {text}


def compared(batch, key="prompt", ngram=5):
    """What the real stages give of a batch."""
    columns = signatures(batch, Signing(key, ngram, 128)).columns
    sets = shingles(fold(CodePoints.of(compared_text(batch, key))), ngram)
    return Compared(
        key,
        np.array([np.void(d) for d in columns[f"digest_{key}"].to_pylist()]),
        np.array([np.frombuffer(s, np.uint32) for s in columns[f"signature_{key}"].to_pylist()]),
        [sets.unique(row) for row in range(len(batch))],
    )


def components(texts, threshold):
    """(n,) the component of each row."""
    found = Components(len(texts[0].digests))
    for one in texts:
        for keys in band_keys(one.signatures, threshold):
            found.join(*pairs(keys))
    return found.labels


def duplicates(texts, threshold=0.8, ngram=5):
    """(row, survivor, exact) of each dropped text, the preferred first."""
    if not texts:
        return []
    made = [compared(batch_of(*([t, "好"] for t in texts)), ngram=ngram)]
    found = find_duplicates(made, components(made, threshold), threshold)
    return [(d.row, d.survivor, d.exact) for d in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ｈｅｌｌｏ，世界！", "hello世界"),
        ("繁體 漢字", "繁体汉字"),
        ("圆周率是3.14。", "圆周率是3.14"),
        ("a  b\n\nc", "a b c"),
        ("1, 2和12", "1,2和12"),
        ("3 .5，3...5", "3.5,3...5"),
        ("“1”, “2”。", "1”,“2"),
        ("10²与x₁与③", "10²与x₁与③"),
        ("１２３", "123"),
        ("你 好\n吗", "你好吗"),
        ("x - 1", "x-1"),
        ("[1] {2}", "[1]{2}"),
        ("？！", "?!"),  # nothing else is left: stays
        ("", ""),
    ],
)
def test_what_is_folded_away(text, expected):
    assert folded(text) == expected


@given(TEXTS)
def test_folding_a_batch_is_folding_each(texts):
    batch = fold(points(texts))
    assert [
        "".join(map(chr, batch.points[a:b]))
        for a, b in zip(batch.offsets, batch.offsets[1:], strict=False)
    ] == [folded(text) for text in texts]


@given(TEXTS, st.integers(1, 6))
def test_jaccard_of_shingles_is_exact(texts, n):
    made = shingles(points(texts), n)
    sets = [made.unique(i) for i in range(len(texts))]
    for a, one in zip(texts, sets, strict=True):
        x = shingle_set(a, n)
        others = [shingle_set(b, n) for b in texts]
        expected = [len(x & y) / len(x | y) for y in others]
        assert jaccard(one, sets).tolist() == pytest.approx(expected)


@given(TEXTS, st.integers(1, 3), st.sampled_from([0.1, 0.3, 0.5, 0.8, 1.0]))
def test_rows_within_the_threshold_share_a_rare_shingle(texts, n, threshold):
    made = shingles(points(texts), n)
    sets = [made.unique(i) for i in range(len(texts))]
    offsets, buckets = prefix_buckets(sets, np.zeros(len(sets), np.int32), threshold)
    own = [set(buckets[offsets[i] : offsets[i + 1]].tolist()) for i in range(len(sets))]
    for i, one in enumerate(sets):
        for j in np.flatnonzero(jaccard(one, sets) >= threshold).tolist():
            assert i == j or own[i] & own[j]


def test_rows_of_different_components_share_no_bucket():
    sets = [shingles(points([LONG]), 5).unique(0)] * 4
    offsets, buckets = prefix_buckets(sets, np.array([7, 7, 9, 9], np.int32), 0.8)
    one, two, three, four = (set(buckets[a:b]) for a, b in pairwise(offsets))
    assert one == two
    assert three == four
    assert not one & three


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(max_size=60), min_size=1, max_size=8), st.sampled_from([16, 128]))
def test_signatures_equal_datasketch(texts, num_perm):
    made = shingles(points(texts), 5)
    for i, row in enumerate(minhash(made, num_perm)):
        oracle = MinHash(num_perm, seed=1, scheme="affine32", hashfunc=int)
        low = made.hashes[made.offsets[i] : made.offsets[i + 1]].astype(np.uint32)
        oracle.update_batch(low.tolist())
        assert np.array_equal(row, LeanMinHash(oracle).hashvalues)


def test_a_long_text_crosses_blocks():
    texts = ["甲乙丙丁" * 30_000, "短", "子丑寅卯辰巳" * 9_000]
    made = shingles(points(texts), 5)
    for i, row in enumerate(minhash(made, 32)):
        alone = minhash(shingles(points([texts[i]]), 5), 32)
        assert np.array_equal(row, alone[0])


def test_pairs_link_what_shares_a_band():
    signature = np.tile(np.arange(4, dtype=np.uint32)[:, None], (1, 128))
    signature[3] = signature[1]
    bands, width = banding(0.8, 128)
    signature[2, :width] = signature[0, :width]  # the first band alone
    keys = band_keys(signature, 0.8)
    links = [list(zip(*map(np.ndarray.tolist, pairs(band)), strict=True)) for band in keys]
    assert links == [[(0, 2), (1, 3)], *[[(1, 3)]] * (bands - 1)]
    assert [len(part) for part in pairs(keys[0, :0])] == [0, 0]


@given(st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=40), st.integers(1, 9))
def test_components_are_those_of_the_graph(links, portion):
    components = Components(30)
    expected = [{i} for i in range(30)]
    for start in range(0, len(links), portion):
        some = np.array(links[start : start + portion])
        components.join(some[:, 0], some[:, 1])
        for a, b in some.tolist():
            union = expected[a] | expected[b]
            for member in union:
                expected[member] = union
    labels = components.labels
    for i in range(30):
        assert set(np.flatnonzero(labels == labels[i]).tolist()) == expected[i]
    assert sorted(set(labels.tolist())) == list(range(len(set(labels.tolist()))))


@pytest.fixture
def verified(monkeypatch):
    """The numbers of rivals that rows were verified against."""
    calls = []
    real = survivors.jaccard
    monkeypatch.setattr(survivors, "jaccard", lambda *a: calls.append(len(a[1])) or real(*a))
    return calls


def test_many_near_copies_cost_one_comparison_each(verified):
    template = "尊敬的{}先生，您好！" + "".join(chr(0x4E00 + 7 * i) for i in range(200))
    assert len(duplicates([template.format(i) for i in range(300)])) == 299
    assert sum(verified) <= 299


def test_many_exact_copies_are_not_compared(verified):
    assert len(duplicates([LONG] * 300)) == 299
    assert sum(verified) == 0


def test_unlike_rows_of_one_template_are_not_compared(verified):
    random = Random(1)
    template = "".join(chr(0x4E00 + 7 * i) for i in range(90))
    ends = ["".join(chr(random.randint(0x4E00, 0x9000)) for _ in range(16)) for _ in range(300)]
    assert duplicates([template + end for end in ends]) == []  # their Jaccard is about 0.67
    assert sum(verified) < 300


@pytest.mark.parametrize("threshold", [0.01, 0.3, 0.5, 0.7, 0.8, 0.95, 0.99, 0.995, 1.0])
@pytest.mark.parametrize("num_perm", [16, 128, 1024])
def test_banding_reaches_the_recall_within_the_signature(threshold, num_perm):
    bands, width = banding(threshold, num_perm)
    assert 2 <= bands * width <= num_perm
    assert 1 - (1 - threshold**width) ** bands >= RECALL or (bands, width) == (num_perm, 1)


def test_banding_is_datasketchs_choice():
    assert banding(0.8, 128) == (21, 6)
    chosen = MinHashLSH(0.8, 128, weights=(1 - 0.999, 0.999))
    assert (chosen.b, chosen.r) == (21, 6)


LONG = "人工智能是计算机科学的一个分支，它企图了解智能的实质，并生产出一种新的智能机器。"


def test_exact_duplicates_up_to_width_and_white_space():
    assert duplicates(["Ａ计划是什么?", "a计划 是什么？", "乙"]) == [(1, 0, True)]


def test_near_duplicates_are_verified():
    near = LONG.replace("企图", "试图")
    assert duplicates([LONG, near, "完全不同的一句话，和上面没有关系。"], 0.7) == [(1, 0, False)]
    assert duplicates([LONG, near], 0.9) == []


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("3乘以6等于多少？", "8乘以8等于多少？"),
        ("介绍一下李白的生平。", "介绍一下杜甫的生平。"),
        ("这部电影值得看吗？", "这部电影不值得看吗？"),
        ("是", "否"),
        ("3.5", "35"),
        ("10²等于多少", "102等于多少"),
        ("选①还是③", "选1还是3"),
        ("计算 1, 2, 3 的和", "计算 12, 3 的和"),
        ("3. 5加1", "35加1"),
    ],
)
def test_a_number_a_name_or_a_negation_makes_a_difference(a, b):
    assert duplicates([a, b]) == []


def test_short_texts_are_compared_whole():
    assert duplicates(["你好", "您好", "你好！", "好"]) == [(2, 0, True)]


def test_unlike_texts_are_not_chained():
    words = [f"第{i}句话说的是第{i}件事情。" for i in range(40)]
    a, b, c = "".join(words[:30]), "".join(words[3:33]), "".join(words[6:36])
    sets = [shingle_set(folded(t), 5) for t in (a, b, c)]
    threshold = 0.78
    assert len(sets[0] & sets[1]) / len(sets[0] | sets[1]) >= threshold
    assert len(sets[0] & sets[2]) / len(sets[0] | sets[2]) < threshold
    # b is near a and near c, but a and c are unlike: c must stay when a takes b.
    assert duplicates([a, b, c], threshold) == [(1, 0, False)]
    # And where b is preferred, it takes both.
    assert duplicates([b, a, c], threshold) == [(1, 0, False), (2, 0, False)]


def test_an_equal_of_a_dropped_row_names_the_row_that_stays():
    near = LONG.replace("企图", "试图")
    found = duplicates([LONG, near, near + "！"], 0.7)
    assert found == [(1, 0, False), (2, 0, False)]


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.text(st.sampled_from("甲乙丙丁"), min_size=1, max_size=12), min_size=1, max_size=25)
)
def test_every_dropped_row_is_within_the_threshold_of_a_row_that_stays(texts):
    dropped = duplicates(texts, 0.5, ngram=2)
    gone = {row for row, _, _ in dropped}
    for row, survivor, exact in dropped:
        assert survivor not in gone
        x, y = shingle_set(folded(texts[row]), 2), shingle_set(folded(texts[survivor]), 2)
        assert len(x & y) / len(x | y) >= 0.5
        assert exact == (folded(texts[row]) == folded(texts[survivor]))
    assert len({folded(t) for i, t in enumerate(texts) if i not in gone}) == len(texts) - len(gone)


def test_the_key_chooses_what_is_compared():
    batch = batch_of(
        ["问一", "答一", "问二", "答二"], [("system", "s"), ("user", "问"), ("assistant", "答")]
    )
    assert compared_text(batch, "conversation").to_pylist()[1] == f"问{TURN_SEPARATOR}答"
    assert compared_text(batch, "prompt").to_pylist() == [f"问一{TURN_SEPARATOR}问二", "问"]
    assert compared_text(batch, "response").to_pylist() == [f"答一{TURN_SEPARATOR}答二", "答"]
    whole = TURN_SEPARATOR.join(["问一", "答一", "问二", "答二"])
    assert compared_text(batch, "conversation").to_pylist()[0] == whole


def test_another_answer_to_a_prompt_goes_by_the_prompt_and_is_told_from_a_duplicate():
    prompt = "请介绍一下人工智能的历史和它今天的用途。"
    other = "第一台计算机出现之后不久，人们便开始设想会思考的机器。" * 2
    answers = [LONG, LONG.replace("企图", "试图"), other]
    batch = batch_of(*([prompt, answer] for answer in answers))
    both = [compared(batch, "conversation"), compared(batch, "prompt")]
    together = components(both, 0.7)
    whole = find_duplicates(both[:1], together, 0.7)
    assert [(d.row, d.survivor, d.key) for d in whole] == [(1, 0, "conversation")]
    one_answer = find_duplicates(both, together, 0.7)
    assert [(d.row, d.survivor, d.key, d.exact) for d in one_answer] == [
        (1, 0, "conversation", False),
        (2, 0, "prompt", True),
    ]


def test_what_two_duplicates_share_is_told():
    near = LONG.replace("企图", "试图")
    texts = compared(batch_of([LONG, "好"], [LONG + "！", "好"], [near, "好"]))
    equal, similar = find_duplicates([texts], components([texts], 0.7), 0.7)
    assert equal.shared == texts.digests[0].tobytes().hex()
    band, value = similar.shared.removeprefix("band ").split(": ")
    keys = band_keys(texts.signatures, 0.7)[int(band)]
    assert keys[0] == keys[2] == int(value, 16)
    assert similar.jaccard == jaccard(texts.sets[0], [texts.sets[2]])[0]


def planted_pairs(threshold, short, wanted=150):
    """Texts at 2k and 2k + 1 whose exact Jaccard is in [threshold, threshold + 0.08]."""
    random = Random(20231214)
    texts = []
    while len(texts) < 2 * wanted:
        length = random.randint(20, 59) if short else random.choice([80, 200, 800, 2000])
        text = [chr(random.randint(0x4E00, 0x9000)) for _ in range(length)]
        changed = list(text)
        for place in random.sample(range(length), random.randint(1, 1 + length // 30)):
            changed[place] = chr(random.randint(0x4E00, 0x9000))
        cut = random.randint(0, length // 5)
        pair = ["".join(text), "".join(changed[: length - cut])]
        x, y = (shingle_set(folded(t), 5) for t in pair)
        if threshold <= len(x & y) / len(x | y) <= threshold + 0.08:
            texts += pair
    return texts


@pytest.mark.parametrize("short", [True, False])
@pytest.mark.parametrize("threshold", [0.7, 0.8])
def test_pairs_just_above_the_threshold_are_found(threshold, short):
    texts = planted_pairs(threshold, short)
    found = [(row, survivor) for row, survivor, _ in duplicates(texts, threshold)]
    planted = {(k + 1, k) for k in range(0, len(texts), 2)}
    assert set(found) <= planted
    assert len(found) >= 0.99 * len(planted)
