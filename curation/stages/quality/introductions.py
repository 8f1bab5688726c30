"""Where a text introduces its speaker as another model, or as made by another company."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from curation.stages.quality.model_names import LAB, MAKER, MODEL, NAMESAKE, Marked
from curation.text.spans import protected

_BY = f"[{MAKER}{LAB}]"
_ANY = f"[{MODEL}{NAMESAKE}]"
_NAMES = MODEL + NAMESAKE + MAKER + LAB
_NO_NAME = f"[^。！？\n{_NAMES}]"

_MADE = "训练|开发|创建|创造|设计|研发|研制|推出|打造|构建|制造|编程|培训|发布"
_AI = "AI|人工智能|语言模型|大模型|模型|助手|助理|机器人|计算机程序|电脑程序"
_NOUN = "(?:语言模型|大模型|模型|助手|助理|聊天机器人|机器人|程序)"
_A = "(?:一[个款名种位台]|一)?"
_CALLED = "(?:名为|名叫|叫做?|称为|被称为)"
_RULES = "(?:政策|准则|指南|规定|规则|协议|原则|条款|要求)"
_MADE_BY = (
    rf"(?:经?由|被|来自|基于)?[ ]?{_BY}[ ]?(?:的?(?:研究人员|工程师|科学家|开发者|团队)们?)?"
    rf"(?:[于在][ ]?[0-9]{{4}}[ ]?年)?[ ]?(?:自主|独立|倾力|共同|联合|精心|专门)?所?(?:{_MADE})"
)
_OF_MODEL = (
    rf"(?:和(?:{_MADE})|出来|而成)?的?(?:[^。！？\n，,]{{0,24}}(?:{_AI}|{_ANY})"
    r"|(?=[。，,！\n了]|\Z))"
)
_NAMED = (
    rf"(?:{MODEL}(?![ ]?的(?!AI|一[款个]?(?:AI|人工|智能|语言|大)|人工|智能|语言)"
    r"|[ ]?(?:的?忠实)?(?:用户|粉丝|公司|开发者|爱好者|[Pp]ro会员))"
    rf"|{NAMESAKE}(?=[^。！？\n]{{0,30}}(?:{_AI}|{_BY}[^。！？\n]{{0,4}}(?:{_MADE}))))"
)
_IN_ENGLISH = (
    "(?:independently |originally )?(?:trained|developed|created|made|built|designed) by"
    r"(?: the (?:\w{1,12} )?(?:company|start-?up|team at|researchers at))?"
)
_PEOPLE = r"(?! (?:user|fan|expert|employee|developer|engineer|team|subscriber)|['’]s\b|-based)"
_KIND = "(?:AI|model|assistant|chatbot|program|system)"
#: What may stand before a kind: "a large language model", but not "a user of the model".
_WORDS = (
    r"(?:(?!(?:of|at|who|for|about|with|on|using|writing|testing|building|running|studying)\b)"
    r"[\w-]{1,20} ){0,6}"
)
_ENGLISH_NAME = rf"(?:{MODEL}{_PEOPLE}|{NAMESAKE}(?=[^.!?\n]{{0,40}}(?:\b{_KIND}\b|\bby {_BY})))"


def _introducing(me: str, i_am: str, i_was: str, my: str) -> str:
    """What says who `me` is: 我是由百度开发的模型; I am a model trained by Google."""
    return (
        rf"{me}(?:也|只|仅|就|其实|实际上|正)?(?:仅仅)?(?:是{_A}|由)[ ]?{_MADE_BY}{_OF_MODEL}"
        rf"|{me}被[ ]?{_MADE_BY}(?:来|用来|为|成|出来|和|(?=[。，,！\n]|\Z))"
        rf"|{me}(?:的(?:中文|英文)?(?:名字|名称|全称|全名|模型名称|模型|版本|当前版本|底层模型))?"
        rf"(?:目前的版本|现在的版本)?(?:也|只|其实|就|正)?(?:是|叫做?|名叫|为)[ ]?{_A}(?:基于)?"
        rf"{_CALLED}?[ ]?[“\"「]?{_NAMED}[”\"」]?"
        rf"|{me}(?:只|仅|就)?是[ ]?{_A}(?:来自|属于)?[ ]?{_BY}(?:旗下)?[ ]?的?"
        rf"(?:{_NAMED}|{NAMESAKE}(?![ ]?(?:的|用户|粉丝|公司|团队|员工))"
        rf"|[^。！？\n，,]{{0,12}}{_NOUN}(?!的)|[^。！？\n，,的]{{0,4}}产品(?=[。，,！]|\Z))"
        rf"|{me}是(?:[你您]的)?[ ]?(?:AI|人工智能|智能)(?:助[手理]|伙伴)[ ]?[“\"「]?{_ANY}"
        rf"|{me}来自[ ]?(?:{LAB}(?=[。，,！\n]|\Z)|{_BY}(?=[^。！？\n]{{0,20}}(?:{_AI})))"
        rf"|{me}(?:也|只|其实|就)?(?:是{_A})?(?:基于|属于)[ ]?(?:{_BY}[ ]?的?[ ]?)?{MODEL}"
        rf"|\b{i_am}(?: just| only| actually| simply| indeed)?(?: called| named)?"
        rf"(?: an? (?:AI )?{_KIND} (?:called|named))?(?: an?| the)? {_ENGLISH_NAME}"
        rf"|\b{i_am}(?: just| only)?(?: an?| the)? {_WORDS}{_KIND}"
        rf"(?:,? (?:which|that) (?:is|was))?,?(?: from|(?: from| of)? ?{_IN_ENGLISH}) {_BY}"
        rf"|\b{i_am}(?: an?)? {_BY}(?:['’]s)? (?:\w{{1,12}} ){{0,3}}{_KIND}\b"
        rf"|\b{i_am} (?:powered by|based on|running on) (?:{_BY}(?:['’]s)? )?{_ANY}"
        rf"|\b{i_was} {_IN_ENGLISH} (?:{LAB}|{MAKER}(?! as | when | for | before | in |['’]))"
        rf"|\b{my} name is (?:{MODEL}|{_ENGLISH_NAME})"
    )


# What makes 我 another's word or a supposition. Looked for behind 我, which few places have.
_NOT_MINE = "(?<!(?:如果|假如|假设|要是|认为|以为|觉得|他说|她说|它说|希望|是否)我)(?<![问把让]我)"
_ME = rf"我{_NOT_MINE}(?!们)"
_I_AM = r"I(?:['’]m| am)"
_SELF = re.compile(
    _introducing(_ME, _I_AM, "I was", "my")
    # 作为由OpenAI训练的语言模型，我…; 作为ChatGPT我无法…; 作为OpenAI的语言模型，…
    + rf"|(?:作为|身为)[ ]?{_A}(?:{_MADE_BY}(?:模型)?的?[^。！？\n，,]{{0,24}}(?:{_AI})"
    rf"|{_BY}(?:旗下)?[ ]?的?[^。！？\n，,的]{{0,12}}(?:{_NOUN}|AI|产品))[^。！？\n，,的]{{0,8}}"
    rf"[，,](?={_NO_NAME}{{0,24}}我(?!们)|[ ]?(?:无法|不能|没有))"
    rf"|(?:作为|身为)[ ]?{_A}{_CALLED}?[ ]?{MODEL}(?:的?[^。！？\n，,的]{{0,12}}(?:{_AI}))?"
    rf"(?:[^。！？\n，,的]{{0,8}}[，,](?={_NO_NAME}{{0,24}}我(?!们)|[ ]?(?:无法|不能|没有))"
    r"|[ ]?(?=我(?!们)|无法|不能))"
    # 我是一个人工智能语言模型（ChatGPT），由OpenAI开发; 我是…大模型，名字叫讯飞星火
    rf"|{_ME}是{_NO_NAME}{{0,24}}(?:{_AI}){_NO_NAME}{{0,4}}(?:[，,][ ]?(?:我的)?(?:名字)?我?"
    rf"[是叫为]{_CALLED}?[ ]?{MODEL}|[，,][ ]?{_MADE_BY}|[（(]{MODEL}[）)])"
    # 我的开发者是百度; OpenAI开发了我; 是OpenAI创造了我; OpenAI是我的开发者
    r"|我的(?:创造者|开发者|创建者|研发者|开发团队|研发团队|开发公司|母公司)[是为，,来自]{1,3}[ ]?"
    rf"{_BY}|创造我的是[ ]?{_BY}|我[的在][ ]?{_BY}[ ]?的?(?:创造者|开发者|创建者|开发团队|工程师)"
    rf"|{_BY}[ ]?的?(?:研究人员|工程师|科学家)?们?(?:训练|开发|创造|创建|研发|设计|打造)"
    rf"(?:出)?了我(?!们|的|国|最|所|喜)|{_BY}是我的(?:创造者|开发者|创建者|研发者|开发公司|母公司)"
    # 我背后的模型是GPT-4; 我使用的是OpenAI的GPT-3.5
    rf"|{_ME}(?:背后|底层|所?使用|所?采用)的(?:技术|模型|语言模型|大模型)?(?:就?是|来自|基于)[ ]?"
    rf"(?:{_BY}[ ]?的?[ ]?)?{MODEL}(?=[ ]?(?:语言|大)?(?:模型|架构|版本|技术)|[。，,！；\n]|\Z)"
    rf"|{_ME}[^。！？\n，,]{{0,4}}受到?[ ]?{_BY}[ ]?的(?:培训|训练)"
    rf"|{_ME}背后的[^。！？\n，,]{{0,8}}是[ ]?{_BY}"
    rf"|本(?:模型|助手|机器人|人工智能|AI)[^。！？\n，,]{{0,6}}{_MADE_BY}"
    rf"|这里是[ ]?{_ANY}[，,。！](?=[^。！？\n]{{0,6}}(?:请问|有什么|我|很高兴|需要))"
    # 这违反了OpenAI的政策; 根据OpenAI的政策，我不能…; 我必须遵守OpenAI的政策
    rf"|(?:我|这|此|该|您的|你的|请求|问题)[^。！？\n，,]{{0,8}}违[反背]了?[ ]?{LAB}[ ]?的?"
    rf"[^。！？\n，,的]{{0,6}}{_RULES}"
    rf"|(?:根据|按照|依据|遵循|遵守|由于)[ ]?{_BY}[ ]?的?[^。！？\n，,的]{{0,6}}{_RULES}[，,]?[ ]?"
    r"我(?=不能|无法|不可以|必须|只能|不会|不得|被)"
    rf"|{_ME}(?:必须|需要|会|应该|应当|要|得|一直|严格|始终|被要求){{0,3}}(?:遵守|遵循)[ ]?{LAB}"
    rf"[ ]?的?[^。！？\n，,的]{{0,6}}{_RULES}"
    # As ChatGPT, I; As an AI language model trained by OpenAI, I
    rf"|\bas (?:an? )?(?:{MODEL}|{NAMESAKE}(?=, an? (?:[\w-]{{1,12}} ){{0,3}}{_KIND}))"
    rf"(?=,[^.!?\n]{{0,60}}\bI\b| I\b)|\bas an? {_WORDS}{_KIND}"
    rf"(?:,? (?:which|that) (?:is|was))?,?(?: from| {_IN_ENGLISH}) {_BY}"
    rf"|\bas an? {_BY} (?:[\w-]{{1,20}} ){{0,3}}{_KIND}(?=,)"
    rf"|{_BY} (?:trained|developed|created|made|built|designed) me\b"
    rf"|\bmy (?:developers?|creators?|makers?|parent company)(?: is| are| at|,) {_BY}"
    rf"|(?<![\w ])this is {MODEL}[.!,] (?=How|What|I\b|Ask)"
    rf"|\b(?:this|that|it|request|which)(?: \w{{1,10}}){{0,3}} violates? {LAB}['’]s (?:\w+ )?"
    r"(?:polic(?:y|ies)|guidelines|terms)"
    rf"|\bI (?:must|have to|need to|am required to) (?:follow|adhere to|comply with) {LAB}['’]s",
    re.IGNORECASE,
)
_ROLE = re.compile(
    _introducing("[你您](?!们)", "you(?:['’]re| are)", "you were", "your"), re.IGNORECASE
)
#: After an introduction, in the same sentence, these are of the speaker as well.
_ALSO = re.compile(
    rf"{_MADE_BY}|(?:训练|开发|研发|推出|打造)的{_NO_NAME}{{0,16}}{_ANY}"
    rf"|(?:[叫为]|名字[是叫为]|(?<!不)是{_A}|[（(“\"])[ ]?{_ANY}|(?:旗下|来自|属于)[ ]?{_BY}"
    rf"|{_BY}(?:公司)?(?:旗下)?的{_NO_NAME}{{0,8}}{_NOUN}|基于[ ]?(?:{_BY}[ ]?的?[ ]?)?{_ANY}"
    rf"|(?:{_IN_ENGLISH}|from|at) {_BY}|(?:called|named|based on)(?: an?| the)? {_ANY}",
    re.IGNORECASE,
)
_END = re.compile(r"[。！？\n]|[.!?](?![0-9a-z,])")
_PERSON = re.compile(
    r"[我你您作身本这此该]|\b(?:I|my|me|as|this|that|it|request|you|your)\b", re.IGNORECASE
)
_SENTENCES = re.compile(r"[^。！？\n]*+[。！？\n]?")
_MARKS = re.compile(f"[{_NAMES}]")

Span = tuple[int, int]


def self_introductions(text: Marked, original: str) -> list[Span]:
    """Where the speaker of `text` says who it is, in order, in places of `text.text`."""
    return list(_own_words(_SELF, text, original))


def given_names(text: Marked, original: str) -> list[Span]:
    """Where a system message says who the assistant is, in order, in places of `text.text`."""
    return list(_own_words(_ROLE, text, original))


def _own_words(pattern: re.Pattern[str], text: Marked, original: str) -> Iterator[Span]:
    """Matches that hold a name and are neither code nor quoted."""
    code: list[Span] | None = None
    for match in _matches(pattern, text.text):
        start = text.places[match.start()]
        code = protected(original) if code is None else code
        if not inside(start, code) and not _quoted(original, start):
            yield match.span()


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches in the sentences of the marked `text` that have a name and a person."""
    for sentence in _SENTENCES.finditer(text):
        start, end = sentence.span()
        if _MARKS.search(text, start, end) and _PERSON.search(text, start, end):
            # A pattern may look ahead, as after 这里是ChatGPT。
            for match in pattern.finditer(text, start, end + 32):
                if match.start() >= end:
                    break
                yield match


def names_in(text: Marked, spans: Sequence[Span]) -> tuple[set[int], set[int]]:
    """Which names (by number) introduce the speaker, and which others share a sentence with them.

    The first are in one of `spans`, or after one in its sentence and made out by their context.
    """
    certain: set[int] = set()
    near: set[int] = set()
    for start, end in spans:
        before, stop = _sentence(text.text, start, end)
        also = (match.span() for match in _ALSO.finditer(text.text, end, stop))
        for one in ((start, end), *also):
            certain |= _numbers(text, *one)
        near |= _numbers(text, before, stop)
    return certain, near - certain


def _sentence(text: str, start: int, end: int) -> Span:
    """The sentence around a span, at most 200 characters to each side."""
    left = max(0, start - 200)
    ends = [match.end() for match in _END.finditer(text, left, start)]
    # A span may itself end on punctuation, as 这里是ChatGPT。 does.
    close = _END.search(text, max(start, end - 1), end + 200)
    return ends[-1] if ends else left, close.start() if close else min(len(text), end + 200)


def _numbers(text: Marked, start: int, end: int) -> set[int]:
    """The numbers of the names in a span of the marked text."""
    places = {text.places[match.start()] for match in _MARKS.finditer(text.text, start, end)}
    first = bisect_right(text.names, text.places[start] - 1, key=lambda name: name.start)
    last = bisect_right(text.names, text.places[end] - 1, key=lambda name: name.start)
    return {i for i in range(first, last) if text.names[i].start in places}


def inside(place: int, spans: Sequence[Span]) -> bool:
    """Whether `place` lies in one of `spans`, which are in order and disjoint."""
    before = bisect_right(spans, place, key=lambda span: span[0])
    return before > 0 and place < spans[before - 1][1]


def _quoted(text: str, place: int) -> bool:
    """Whether a quotation mark is open at `place`."""
    window = text[max(0, place - 400) : place]
    line = window[window.rfind("\n") + 1 :]
    return (
        any(
            window.rfind(opening) > window.rfind(closing)
            for opening, closing in ("“”", "「」", "『』")
        )
        or line.count('"') % 2 == 1
        or line[-1:] in ("'", "‘", "`")
    )
