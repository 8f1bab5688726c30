"""Texts with made-up private data in them, and look-alikes, in Chinese, from a seed."""

# ruff: noqa: E501 - a table of phrases reads best with a family a line
import re
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from benchmarks.private_values import (
    DIGITS,
    Make,
    api_key,
    bank_card,
    digits,
    email,
    id_card,
    ip,
    jwt,
    landline,
    licence_plate,
    mobile,
    passport,
    private_key,
    qq,
    wechat,
    with_luhn,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A text and what is in it: kind and value, or a look-alike of that name and no value."""

    text: str
    kind: str
    value: str | None


#: Kind → its maker, what may stand before it (many, or a cue word where it needs one), and after.
POSITIVES: dict[str, tuple[Make, tuple[str, ...], tuple[str, ...]]] = {
    "mobile": (
        mobile,
        (
            "我的电话是",
            "手机",
            "手机号：",
            "打",
            "联系人张三",
            "，",
            "请拨打",
            "客户李女士（",
            "tel:",
            "Tel ",
            "",
            "电话: ",
            "把短信发到",
            "微信同号",
            "号码为",
            '"phone": "',
            "|",
        ),
        (
            "谢谢",
            "，",
            "。",
            "",
            "找我",
            "）",
            "联系",
            "\n",
            "是我的新号码",
            "人在吗",
            '"',
            "(李经理)",
            "/",
            "|",
        ),
    ),
    "landline": (
        landline,
        (
            "办公室电话",
            "座机：",
            "请拨打",
            "传真",
            "打",
            "联系电话为",
            "",
            "前台（",
            "客服说是",
            "Fax: ",
        ),
        ("。", "，", "找王老师", "", "咨询", "）", "\n", "即可"),
    ),
    "id_card": (
        id_card,
        (
            "身份证号",
            "身份证：",
            "我的证件号码是",
            "持",
            "公民张三，",
            "",
            "（",
            "号码为",
            "ID card: ",
        ),
        ("的人", "，", "。", "", "办理", "）", "\n", "到期"),
    ),
    "bank_card": (
        bank_card,
        (
            "银行卡号",
            "卡号：",
            "转到",
            "打到我的工行卡",
            "请汇款至",
            "尾款付到",
            "",
            "信用卡 ",
            "账户是",
        ),
        ("，户名李四", "。", "", "谢谢", "\n", "这张卡", "（储蓄卡）"),
    ),
    "email": (
        email,
        (
            "邮箱",
            "我的邮箱是",
            "发到",
            "请联系",
            "",
            "Email: ",
            "mailto:",
            "《",
            "（",
            "简历投",
            "，",
        ),
        ("谢谢", "。", "，", "", "即可", "）", "\n", "吧", "》"),
    ),
    "ip": (
        ip,
        ("服务器", "IP地址是", "来自", "登录IP：", "ssh root@", "主机", "http://", "访问", "ping "),
        ("的请求", "，", "。", "", "/", "上", "\n", "被封了"),
    ),
    "licence_plate": (
        licence_plate,
        (
            "车牌",
            "我的车是",
            "车牌号：",
            "",
            "一辆",
            "看见",
            "尾号限行的",
            "肇事车辆",
            "（",
            "司机开着",
        ),
        ("的车", "，", "。", "", "停在路边", "）", "\n", "违章"),
    ),
    "passport": (
        passport,
        ("护照", "护照号：", "护照号码是", "Passport No. ", "passport: ", "持护照", "本人护照为"),
        ("，", "。", "", "的旅客", "\n", "有效期", "）"),
    ),
    "qq": (
        qq,
        (
            "QQ",
            "QQ：",
            "我的qq是",
            "加我QQ",
            "ＱＱ",
            "扣扣",
            "QQ号",
            "qq群：",
            "QQ号码是",
            "企鹅号",
            "加Q",
            "Q群",
        ),
        ("谢谢", "，", "。", "", "加我", "\n", "聊", "）"),
    ),
    "wechat": (
        wechat,
        (
            "微信",
            "微信：",
            "微信号是",
            "加我微信",
            "VX:",
            "vx：",
            "加V",
            "wechat: ",
            "威信",
            "薇信：",
            "微信号：",
            "WX：",
        ),
        ("谢谢", "，", "。", "", "聊", "\n", "加我"),
    ),
    "api_key": (
        api_key,
        (
            "密钥是",
            'api_key = "',
            "token：",
            "",
            "Authorization: Bearer ",
            "export KEY=",
            "我的key: ",
            "（",
        ),
        ("，", '"', "", "。", "\n", "泄露了", "）"),
    ),
    "jwt": (jwt, ("令牌", "token=", "Bearer ", "", "：", '"'), ("，", '"', "", "。", "过期", "\n")),
    "private_key": (
        private_key,
        ("私钥：\n", "", "如下", "key = '''"),
        ("\n", "", "不要外传", "'''"),
    ),
}

#: Kinds whose digits are also written in full width. A secret in full width is none.
FULL_WIDTH = {
    "mobile",
    "landline",
    "id_card",
    "bank_card",
    "email",
    "licence_plate",
    "qq",
    "passport",
}


def like_id(random: Random) -> str:
    """No identity number: another check character, or a month 13."""
    number = id_card(random).translate({32: None, 45: None}).upper()
    wrong = random.choice([c for c in "0123456789X" if c != number[17]])
    return random.choice((number[:17] + wrong, number[:10] + "1345" + number[14:]))


def like_card(random: Random) -> str:
    """No card: another check digit."""
    number = bank_card(random).translate({32: None, 45: None, 0xFF0D: None})
    return number[:-1] + str((int(number[-1]) + random.randint(1, 9)) % 10)


def day(random: Random) -> date:
    return date(1950, 1, 1) + timedelta(random.randrange(36_000))


#: What a name in a template stands for; {d6} is six digits, {x32} 32 hexadecimal ones.
PARTS: dict[str, Make] = {
    "phone": lambda random: "1" + random.choice("3456789") + digits(random, 9),
    "card": lambda random: with_luhn("62" + digits(random, random.choice((13, 16)))),
    "like_card": like_card,
    "like_id": like_id,
    "small": lambda random: str(random.randint(1, 29)),
    "byte": lambda random: str(random.randint(0, 255)),
    "year": lambda random: str(random.randint(1300, 1999)),
    "day": lambda random: day(random).strftime("%Y%m%d"),
    "iso": lambda random: day(random).isoformat(),
    "dotted": lambda random: day(random).strftime("%Y.%m.%d"),
    "letter": lambda random: random.choice("EGDSPH"),
}

#: Look-alike → templates: whole phrases, because what stands beside a number makes it one.
LOOKALIKES: dict[str, str] = {
    "order number": "订单号{phone}|订单编号：{d18}|单号是{phone}|流水号{d15}|交易号:{d20}|order_id: {phone}",
    "dated number": "订单{day}{d4}|编号{day}{d6}|批次{day}{d9}|{day}{d6}|第{day}{d4}号",
    "tracking number": "SF{phone}{d2}|YT{d13}|JD{d13}|快递单号{phone}{d2}|运单号：{phone}|ZTO{phone}",
    "price": "价格{phone}元|¥{phone}|￥{d8}|共{phone}块钱|售价${phone}|{d7}.{d2}元|{phone}美元|{d8}万元",
    "quantity": "播放量{phone}次|人口约{phone}人|总计{phone}件|距离{phone}公里|重{phone}千克|{phone}万",
    "formula": "{phone}×{small}=?|{d3}+{phone}=?|求{d4}*{phone}的值|$x={phone}$|{phone}÷7|{phone}^2",
    "decimal": "圆周率3.{phone}|约为0.{d18}|结果是{phone}.{d2}|概率0.{phone}|{small}.{d8}",
    "date": "于{iso}|截至{day}|生日{dotted}|{iso} 12:30:45|{year}年|{day}",
    "years": "{year}-{year}年|公元{year}年至{year}年|{year}、{year}、{year}",
    "timestamp": "时间戳16{d11}|timestamp=16{d8}|ts:17{d8}|时间戳{phone}",
    "version": "版本{small}.{small}.{small}.{small}|v1.{small}.{small}.{d3}|升级到{small}.{small}.0.{byte}"
    "|Chrome/{d2}.0.{d4}.{byte}|软件版本号是{small}.{byte}.{byte}.2|内核5.{small}.{byte}.{small}",
    "section": "第{small}.{small}.{small}.{small}节|第{small}.{small}.{small}.2条|{small}.{small}.{small}.1章",
    "private ip": "网关192.168.{byte}.{byte}|ping 10.{byte}.0.{byte}|127.0.0.1|255.255.255.0|0.0.0.0"
    "|服务器172.16.0.{byte}|203.0.113.{byte}|fe80::1|::1|2001:db8::8a2e:370:7334",
    "not an ip": "256.{byte}.1.300|12:{d2}:45|{x2}:{x2}:{x2}:{x2}:{x2}:{x2}|std::vector|比分{d1}:{d1}",
    "isbn": "ISBN 978-7-{d3}-{d5}-{d1}|ISBN978{d10}|书号7-{d4}-{d4}-{d1}|ISSN {d4}-{d4}",
    "hash": "md5{x32}|commit {x40}|哈希值{x64}|sha256:{x64}|{x40}",
    "uuid": "{x8}-{x4}-{x4}-{x4}-{x12}|id={x8}-{x4}-{x4}-{x4}-{x12}",
    "coordinates": "坐标116.{d6},39.{d6}|位于131.{d8}，47.{d6}|东经{small}.{d6}",
    "stock code": "沪A股{d6}|股票代码{d6}|600519.SH|深A{d6}|sz{d6}|京A股",
    "score": "语文{d2}数学{d3}英语{d3}|比分{d2}-{d2}|得分{d2}、{d2}、{d2}",
    "model number": "型号A{d4}|新RTX{d4}|芯片X1-{d4}|产品SM-G{d4}|型号E{d8}|芯片T{phone}|新G{d2}",
    "row of numbers": "{d3}, {d2}, {d4}, {d3}|{d4} {d4} {d4} {d4} {d4}|{d3}、{d4}、{d4}、{d2}"
    "|138 {d4} {d4} {d4}|1 4 1 5 9 2 6 5 3 5 8|{small} {small} {small} {small} {small} {small}",
    "short or long": "数字{d6}|{d9}|数字{d10}|{d12}|{d22}|{d30}|5{d13}",
    "thousands": "{small},{d3},{d3},{d3}|1{d2},{d3},{d3}元",
    "wrong identity number": "编号{like_id}|{like_id}|数字{like_id}",
    "wrong card": "卡号{like_card}|{like_card}|号码{like_card}",
    "lucky order number": "订单号{card}|流水号：{card}|运单号{card}|发票号码{card}|合同编号{card}",
    "service number": "客服热线400-{d3}-{d4}|拨打400{d7}|请致电95588|拨打10086|拨打110|800-820-{d4}",
    "not e-mail": "@张三|lodash@4.17.21|@app.route|icon@2x.png|user@example.com|test@test.com|a @ b"
    "|your_name@example.com|git@github.com:a/b.git|每斤3元@批发|@Override|logo@3x.jpg|array@{d3}",
    "url": "见https://item.jd.com/{phone}.html|http://a.cn/?id={phone}|www.abc.com/p/{d18}"
    "|https://www.bilibili.com/video/av{phone}|https://a.cn/{like_id}",
    "code": "x = {phone}|seed={d8}|0x{x12}|id_{phone}|range({d7})|5{d10}L|#{x6}|a[{d3}]",
    "not a plate": "京A股|北京B12345仓库|沪A600000股|最新A股行情|云A计划|新ABCDEFG|宁I12345|浙O1234I"
    "|沪IPO2023|川菜A1套餐|藏A-Z|青A1|苏E123|粤语B站12345|鲁Q123456789|新G7会议|豫剧A2345",
    "no passport": "型号{letter}{d8}|零件{letter}{d8}|编号{letter}{d8}|座位{letter}{d4}|航班{letter}{d4}",
    "passport talk": "护照有效期10年|护照办理费用120元|passport photo 33mm|护照页码48页|带2张护照照片",
    "qq talk": "QQ音乐有{d6}首歌|QQ用户{d8}人|QQ会员已有{d5}人|qq空间浏览{d6}次|用QQ发了{d5}条消息",
    "wechat talk": "微信支付功能|微信小程序开发|微信 Android 版本|微信公众号文章|WeChat Official Account"
    "|微信API接口|wx.request(url)|vx = 100|微信8.0.30版本|微信群里有500人|微信公众号：renminribao",
    "no key": "sk-learn|sk-xxxxxxxxxxxxxxxxxxxxxxxx|YOUR_API_KEY|AKIAIOSFODNN7EXAMPLE|sk-your-key"
    "|api_key=your_api_key_here|eyJhbGciOi|hf_model|-----BEGIN PUBLIC KEY-----|token_count={d7}"
    "|-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----|ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "chemistry": "CAS号{d5}-{d2}-{d1}|C6H12O6|13C标记|(1,3,5-三甲基苯)|H2SO4浓度98%",
    "office code": "邮编{d6}|学号20{d8}|统一社会信用代码91{d15}X|专利号ZL20{d10}.{d1}|基金代码{d6}"
    "|京ICP备{d8}号|工号{phone}|学号{phone}|案号{d12}",
}

BEFORE = ("", "请问", "他说", "记录显示", "这里的", "（", "、", "今天看到", "“")
AFTER = ("", "。", "吗", "，谢谢", "）", "对不对", "\n", "”，", "怎么处理")


def positives(n: int, seed: int) -> list[Case]:
    """`n` texts, every kind as often, each with one value; some digits in full width."""
    random = Random(seed)
    kinds = list(POSITIVES)
    return [_positive(random, kinds[i % len(kinds)]) for i in range(n)]


def _positive(random: Random, kind: str) -> Case:
    make, before, after = POSITIVES[kind]
    value = make(random)
    if kind in FULL_WIDTH and random.random() < 0.25:
        value = full_width(value, random.random() < 0.5)
    lead, follow = random.choice(BEFORE), random.choice(AFTER)
    cue, tail = random.choice(before), random.choice(after)
    return Case(f"{lead}{cue}{value}{tail}{follow if tail else ''}", kind, value)


def lookalikes(n: int, seed: int) -> list[Case]:
    """`n` texts with what is not private, every family as often; some digits in full width."""
    random = Random(seed)
    names = list(LOOKALIKES)
    cases = []
    for i in range(n):
        name = names[i % len(names)]
        phrase = _filled(random, random.choice(LOOKALIKES[name].split("|")))
        if random.random() < 0.2 and "://" not in phrase:
            phrase = full_width(phrase, only_digits=True)
        cases.append(Case(random.choice(BEFORE) + phrase + random.choice(AFTER), name, None))
    return cases


def _filled(random: Random, template: str) -> str:
    """`template` with its names in braces replaced."""

    def part(match: re.Match[str]) -> str:
        name = match[1]
        if name in PARTS:
            return PARTS[name](random)
        alphabet = "0123456789abcdef" if name[0] == "x" else DIGITS
        return "".join(random.choices(alphabet, k=int(name[1:])))

    return re.sub(r"\{(\w+)\}", part, template)


def full_width(text: str, only_digits: bool) -> str:
    """`text` with its digits, or all of its signs, in full width."""
    return "".join(
        chr(ord(c) + 0xFEE0) if c.isdigit() or (not only_digits and "!" <= c <= "~") else c
        for c in text
    )
