"""The page of `python -m finetune.chat --web`, served for real and driven by Gradio's client."""

import asyncio
import html
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import httpx
import pytest

from finetune.chatting.answering import Sampling, open_adapter
from finetune.chatting.dialogue import Dialogue
from finetune.chatting.labels import CHINESE, ENGLISH

page = pytest.importorskip("finetune.chatting.page", reason="needs the app extra")
from gradio_client import Client  # noqa: E402

GREEDY = Sampling(max_new_tokens=12, temperature=0)
HOSTILE = "<img src=x onerror=alert(1)> **bold** [link](https://example.org) $x^2$"


@pytest.fixture(scope="module")
def answerer(tiny_adapter):
    return open_adapter(tiny_adapter, quantization=None, base=None)


@pytest.fixture(scope="module")
def served(answerer):
    """The page and its address. In a running loop Gradio makes none of its own, never closed."""

    async def start():
        blocks = page.build(answerer, GREEDY, "")
        return blocks, page.launch(blocks, None)

    blocks, address = asyncio.run(start())
    yield blocks, address
    blocks.close()


@pytest.fixture(scope="module")
def blocks(served):
    return served[0]


@pytest.fixture(scope="module")
def address(served):
    return served[1]


@pytest.fixture
def client(address):
    return Client(address, verbose=False)


def expected(answerer, question, *, base, system=""):
    fitted = answerer.fit(Dialogue(system), question, GREEDY)
    said = "".join(answerer.answer(fitted, GREEDY, base=base))
    return html.escape(page.printable(said), quote=False)


def texts(history):
    """What a chat shows, without Gradio's wrapping."""
    return [
        "".join(part["text"] for part in message["content"])
        if isinstance(message["content"], list)
        else message["content"]
        for message in history
    ]


def ask(client, question, *, system="", seed=42, temperature=0, length=12):
    with_adapter, base, _ = client.predict(
        question, system, seed, temperature, 0.9, length, api_name="/ask"
    )
    return texts(with_adapter), texts(base)


def test_both_answer_the_same_question(client, answerer):
    with_adapter, base = ask(client, "你好")
    assert with_adapter == ["你好", expected(answerer, "你好", base=False)]
    assert base == ["你好", expected(answerer, "你好", base=True)]
    assert with_adapter[1] != base[1]


def test_rounds_add_up_and_new_forgets(client):
    ask(client, "你好")
    with_adapter, base = ask(client, "再见")
    assert len(with_adapter) == len(base) == 4
    assert client.predict(api_name="/new") == ([], [])
    assert len(ask(client, "你好")[0]) == 2


def test_another_system_text_begins_anew(client, answerer):
    ask(client, "你好")
    with_adapter, _ = ask(client, "你好", system="简短")
    assert with_adapter == ["你好", expected(answerer, "你好", base=False, system="简短")]


def test_the_same_seed_gives_the_same_answers(client, address):
    first = ask(client, "你好", temperature=1)
    assert ask(Client(address, verbose=False), "你好", temperature=1) == first
    assert ask(Client(address, verbose=False), "你好", temperature=1, seed=7) != first


def test_text_comes_in_pieces(client):
    job = client.submit("你好", "", 42, 0, 0.9, 12, api_name="/ask")
    job.result()
    shown = [texts(with_adapter)[-1] for with_adapter, *_ in job.outputs() if with_adapter]
    assert len(set(shown)) > 3
    assert all(later.startswith(earlier) for earlier, later in pairwise(shown))


def test_two_users_at_once(address, answerer):
    alone = [expected(answerer, "你好", base=base) for base in (False, True)]
    clients = [Client(address, verbose=False) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        for with_adapter, base in threads.map(lambda client: ask(client, "你好"), clients):
            assert [with_adapter[1], base[1]] == alone


def test_stop_frees_the_model(client, answerer):
    job = client.submit("你好", "", 1, 2, 1, 100_000, api_name="/ask")
    while not job.outputs():
        assert not job.done()
    job.cancel()
    done = threading.Event()
    waiter = threading.Thread(target=lambda: (expected(answerer, "好", base=True), done.set()))
    waiter.start()
    assert done.wait(10)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"question": "很长的问题" * 20_000}, "shorten it"),
        ({"seed": 2**70}, "seed is"),
        ({"seed": None}, "is empty"),
        ({"length": None}, "is empty"),
        ({"length": 0}, "at least 1"),
    ],
)
def test_what_cannot_be_is_a_warning_and_the_conversation_stays(
    client, address, blocks, change, word
):
    before = ask(client, "你好")
    *toasts, done = messages(client, address, blocks, **({"question": "再见"} | change))
    assert [toast["level"] for toast in toasts] == ["warning"]
    assert word in toasts[0]["log"]
    assert done["success"]
    after = ask(client, "再见")
    assert tuple(chat[:2] for chat in after) == before
    assert [len(chat) for chat in after] == [4, 4]


def test_forgotten_rounds_are_said(client, address, blocks):
    ask(client, "长" * 1500)
    *toasts, done = messages(client, address, blocks, question="很" * 600)
    assert [toast["log"].partition(":")[0] for toast in toasts] == [
        "With the adapter",
        "Base model",
    ]
    assert all("rounds no longer read, the oldest first: 1" in toast["log"] for toast in toasts)
    assert done["success"]


def messages(client, address, blocks, **change):
    """What the browser hears of a question: its toasts, then how it ended."""
    given = {"question": "", "system": "", "seed": 42, "temperature": 0, "top_p": 1, "length": 12}
    (index,) = [one["id"] for one in blocks.config["dependencies"] if one["api_name"] == "ask"]
    body = {"data": [*(given | change).values(), None], "fn_index": index}
    session = {"session_hash": client.session_hash}
    httpx.post(f"{address}gradio_api/queue/join", json=body | session).raise_for_status()
    heard = []
    with httpx.stream("GET", f"{address}gradio_api/queue/data", params=session) as stream:
        for line in stream.iter_lines():
            message = json.loads(line.removeprefix("data: ")) if line else {}
            if message.get("msg") in ("log", "process_completed"):
                heard.append(message)
    return heard


def test_what_people_and_models_write_stays_text(client, blocks):
    """Seen in Chromium: a Chatbot without Markdown still renders tags, so none may reach it."""
    chats = [c["props"] for c in blocks.config["components"] if c["type"] == "chatbot"]
    assert [chat["render_markdown"] for chat in chats] == [False, False]
    assert not any(chat["latex_delimiters"] or chat["allow_tags"] for chat in chats)
    for history in ask(client, HOSTILE), ask(client, "你好"):
        shown = "".join(history[0])
        assert "<" not in shown
        assert html.unescape(shown).startswith(HOSTILE)


def test_it_lives_on_this_machine_only(address, blocks):
    assert address.startswith("http://127.0.0.1:")
    assert blocks.share_url is None
    assert not blocks.analytics_enabled
    config = httpx.get(f"{address}config").json()
    assert not config["analytics_enabled"]
    assert not config["run_history"]
    theme = httpx.get(f"{address}theme.css").text
    assert "https://" not in theme


def test_labels_are_in_both_languages():
    assert ENGLISH.keys() == CHINESE.keys()
