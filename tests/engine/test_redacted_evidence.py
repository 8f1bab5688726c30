"""Records that could not be read are quoted in evidence, with what JSON writes as escapes."""

import json

import pyarrow as pa
import pytest

from curation.outputs.withheld import redacted, redacted_evidence
from schemas.recipe import Privacy

SECRETS = {
    "mobile": "13912345678",
    "landline": "010-62781234",
    "id_card": "110101199003074514",
    "bank_card": "6222021234567890128",
    "email": "xiaolin@qingniao.com.cn",
    "ip": "服务器IP：47.95.112.33",
    "wechat": "微信号：xiaolin_2024",
    "qq": "QQ：123456789",
    "api_key": "sk-proj-" + "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH",
    "github": "ghp_" + "aB3dE5gH7jK9mN1pQ2rS4tU6vW8xY0zA1bC2",
}


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("blank", ["\n", "\t", "\r", "\b", "\f", "\r\n", "\u3000", "\\\n", ""])
def test_what_follows_an_escape_is_found(kind, blank):
    secret = SECRETS[kind]
    text = json.dumps(f"联系{blank}{secret}")
    for quoted in (f'{{"instruction": {text}, "output": oops}}', f"[{json.dumps(text)}, oops]"):
        evidence = json.dumps({"record": quoted, "offset": 3})
        [told] = redacted_evidence(pa.array([evidence]), Privacy()).to_pylist()
        found = json.loads(told)
        assert secret.split("：")[-1] not in told
        assert found["offset"] == 3
        assert "oops" in found["record"]


def test_evidence_without_personal_data_stays_as_it_is():
    quoted = {"record": r'{"path": "C:\\new\\table", "text": "第一行\n第二行", oops}'}
    evidence = json.dumps(quoted)
    assert redacted_evidence(pa.array([evidence]), Privacy()).to_pylist() == [evidence]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("电话139\u200b1234\u200b5678吗", "电话[手机号]吗"),
        ("电话1&#51;912345678吗", "电话[手机号]吗"),
        ("电话139\u202e12345678吗", "电话[手机号]吗"),
        # two numbers, which without what is invisible would be one that is none
        ("电话13912345678\u200b13812345678吗", "电话[手机号]\u200b[手机号]吗"),
        ("第一\u200b行 &amp; 第二行", "第一\u200b行 &amp; 第二行"),
    ],
)
def test_numbers_in_pieces_are_found(text, shown):
    assert redacted({"a": [text]}, Privacy()) == {"a": [shown]}
    [told] = redacted_evidence(pa.array([json.dumps({"a": text})]), Privacy()).to_pylist()
    assert json.loads(told) == {"a": shown}
