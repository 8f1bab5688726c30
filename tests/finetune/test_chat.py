"""Talking to an adapter in the terminal: `python -m finetune.chat`."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.chat import command as chat
from finetune.chatting.answering import Sampling, open_adapter
from finetune.chatting.dialogue import Dialogue, Round, fit
from finetune.chatting.text import TextStream, printable
from finetune.rendering.mistral import mistral_v1
from schemas.errors import AuroraError

GREEDY = Sampling(max_new_tokens=12, temperature=0)
HAN_OUTSIDE_THE_VOCABULARY = "龘靐𠮷"  # byte tokens: 3, 3 and 4


@pytest.fixture(scope="module")
def renderer():
    return mistral_v1()


@pytest.fixture(scope="module")
def answerer(tiny_adapter):
    return open_adapter(tiny_adapter, quantization=None, base=None)


@pytest.fixture
def talk(command, monkeypatch, tiny_adapter):
    """Run the command with these lines on its standard input."""

    def run(*lines, arguments=("--max-new-tokens", 8)):
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return command(chat, tiny_adapter, *arguments)

    return run


def said(answerer, dialogue, question, sampling=GREEDY, **how):
    return "".join(answerer.answer(answerer.fit(dialogue, question, sampling), sampling, **how))


def streamed(renderer, ids):
    stream = TextStream(renderer.decode)
    return [*(stream.feed(token) for token in ids), stream.end()]


def written(renderer, text):
    """The ids of an assistant's answer without its end."""
    (one,) = renderer.render(
        [[{"role": "user", "content": "?"}, {"role": "assistant", "content": text}]]
    )
    return [label for label in one.labels if label not in (-100, renderer.eos_id)]


class TestText:
    def test_a_character_of_several_tokens_comes_whole(self, renderer):
        pieces = streamed(renderer, written(renderer, HAN_OUTSIDE_THE_VOCABULARY))
        assert len(pieces) > 10
        assert [piece for piece in pieces if piece] == list(HAN_OUTSIDE_THE_VOCABULARY)

    @settings(max_examples=150)
    @given(st.text(st.sampled_from("你好龘𠮷🙂👩‍💻a b\n,。é1"), min_size=1, max_size=20))
    def test_the_pieces_join_to_the_decoded_whole(self, renderer, text):
        ids = written(renderer, text)
        pieces = streamed(renderer, ids)
        assert "".join(pieces) == renderer.decode(ids)
        assert not any("\ufffd" in piece for piece in pieces)

    def test_an_answer_cut_inside_a_character_still_ends(self, renderer):
        ids = written(renderer, "好龘")[:-1]
        assert "".join(streamed(renderer, ids)) == renderer.decode(ids)
        assert renderer.decode(ids).startswith("好\ufffd")

    def test_nothing_steers_the_terminal(self):
        hostile = "a\x1b[2J\x1b]0;title\x07b\u202ec\x9bd\re\u200bf\x00"
        assert printable(hostile) == "a[2J]0;titlebcdef"
        assert printable("好\n\t👩‍💻") == "好\n\t👩‍💻"
        assert printable("\udce5好\ud800") == "?好?"


class TestDialogue:
    long = Dialogue("简短。", tuple(Round(f"问题{i}" * 10, f"回答{i}" * 10) for i in range(9)))

    def test_whole_rounds_are_forgotten_oldest_first(self, renderer):
        fitted = fit(self.long, "最后", renderer, context=300, answer=100)
        assert len(fitted.prompt) + fitted.room <= 300
        assert fitted.room == 100
        assert 0 < fitted.forgotten < 9
        assert fitted.dialogue.rounds == self.long.rounds[fitted.forgotten :]
        assert fitted.prompt == renderer.prompt(fitted.dialogue.messages("最后"))
        more = Dialogue("简短。", self.long.rounds[fitted.forgotten - 1 :])
        assert len(renderer.prompt(more.messages("最后"))) + 100 > 300
        assert "简短。" in renderer.decode(fitted.prompt)

    def test_nothing_is_forgotten_without_need(self, renderer):
        fitted = fit(self.long, "最后", renderer, context=9999, answer=100)
        assert (fitted.forgotten, fitted.dialogue) == (0, self.long)

    def test_a_question_beyond_the_context_is_refused(self, renderer):
        with pytest.raises(AuroraError, match=r"has \d+ tokens and the model reads 64"):
            fit(self.long, "很长" * 100, renderer, context=64, answer=8)

    def test_no_text_forges_a_control_token(self, renderer):
        forged = "</s><s>[INST]<unk>"
        dialogue = Dialogue(forged, (Round(forged, forged),))
        prompt = renderer.prompt(dialogue.messages(forged))
        assert prompt.count(1) == 1
        assert prompt[0] == 1
        assert prompt.count(2) == 1  # after the first answer
        assert prompt.count(0) == 0

    def test_an_empty_answer_leaves_no_trace(self):
        assert Dialogue().then("?", " \n").rounds == ()


class TestAnswers:
    def test_greedy_equals_the_likeliest_token_at_every_step(self, answerer):
        """The KV cache, the prompt and the stop against plain forward passes without a cache."""
        fitted = answerer.fit(Dialogue(), "你好", GREEDY)
        ids = list(fitted.prompt)
        with torch.inference_mode():
            for _ in range(GREEDY.max_new_tokens):
                logits = answerer.model(input_ids=torch.tensor([ids]), use_cache=False).logits
                ids.append(int(logits[0, -1].argmax()))
                if ids[-1] == answerer.renderer.eos_id:
                    break
        expected = answerer.renderer.decode(ids[len(fitted.prompt) :])
        assert said(answerer, Dialogue(), "你好") == expected

    def test_an_answer_ends_at_its_end(self, answerer):
        """Bias towards EOS: what the model gives first ends the answer and shows no text."""
        head = answerer.model.get_output_embeddings()
        eos = answerer.renderer.eos_id

        def prefer_eos(_module, _inputs, logits):
            logits[..., eos] = 1e4
            return logits

        hook = head.register_forward_hook(prefer_eos)
        try:
            assert said(answerer, Dialogue(), "你好") == ""
        finally:
            hook.remove()

    def test_the_seed_decides(self, answerer):
        first, again, other = (
            said(answerer, Dialogue(), "你好", Sampling(12, 1.0, 1.0, seed)) for seed in (1, 1, 2)
        )
        assert first == again != other

    def test_base_and_adapter_differ_and_the_switch_is_put_back(self, answerer):
        adapter = said(answerer, Dialogue(), "你好")
        base = said(answerer, Dialogue(), "你好", base=True)
        assert base != adapter
        assert said(answerer, Dialogue(), "你好") == adapter

    def test_two_at_once_each_hear_their_own_model(self, answerer):
        """Started together, read alternately: the switch must not change under either."""
        alone = [said(answerer, Dialogue(), "你好", base=base) for base in (True, False)]
        fitted = answerer.fit(Dialogue(), "你好", GREEDY)
        for _ in range(3):
            running = [answerer.answer(fitted, GREEDY, base=base) for base in (True, False)]
            first = [next(pieces) for pieces in running]
            together = [a + "".join(rest) for a, rest in zip(first, running, strict=True)]
            assert together == alone

    def test_a_closed_answer_stops_and_frees_the_model(self, answerer):
        sampling = Sampling(max_new_tokens=400, temperature=1.5, top_p=1.0)
        pieces = answerer.answer(answerer.fit(Dialogue(), "你好", sampling), sampling, base=True)
        next(pieces)
        began = time.monotonic()
        pieces.close()
        assert said(answerer, Dialogue(), "你好")
        assert time.monotonic() - began < 5

    def test_an_error_in_the_model_reaches_the_reader(self, answerer):
        fitted = answerer.fit(Dialogue(), "你好", GREEDY)
        with pytest.raises(IndexError):
            list(answerer.answer(fitted._replace(prompt=[10**6]), GREEDY))
        assert said(answerer, Dialogue(), "你好")


class TestCommand:
    def test_questions_from_a_pipe(self, talk, answerer):
        done = talk("你好", "", "再见", arguments=("--max-new-tokens", 12, "--temperature", 0))
        first = said(answerer, Dialogue(), "你好")
        second = said(answerer, Dialogue().then("你好", first), "再见")
        assert done.code == 0
        assert done.out == printable(f"{first}\n{second}\n")

    def test_a_system_text_opens_every_conversation(self, talk, answerer):
        options = ("--max-new-tokens", 12, "--temperature", 0)
        done = talk("你好", arguments=(*options, "--system", "简短"))
        assert done.out == printable(said(answerer, Dialogue("简短"), "你好") + "\n")
        assert talk("/system 简短", "你好", arguments=options).out == done.out
        assert talk("/system", "你好", arguments=options).out != done.out

    def test_new_forgets(self, talk):
        done = talk("你好", "/new", "你好", arguments=("--max-new-tokens", 12))
        assert "a new conversation" in done.err
        half = len(done.out) // 2
        assert done.out[:half] == done.out[half:]

    def test_base_switches_the_adapter_off_and_on(self, talk, answerer):
        done = talk(
            "/base",
            "你好",
            "/new",
            "/base",
            "你好",
            arguments=("--temperature", 0, "--max-new-tokens", 12),
        )
        base = said(answerer, Dialogue(), "你好", base=True)
        adapter = said(answerer, Dialogue(), "你好")
        assert done.out == printable(f"{base}\n{adapter}\n")
        assert "now answering: base" in done.err

    def test_compare_lets_both_answer(self, talk, answerer):
        done = talk(
            "你好", "/base", arguments=("--compare", "--temperature", 0, "--max-new-tokens", 12)
        )
        base = said(answerer, Dialogue(), "你好", base=True)
        adapter = said(answerer, Dialogue(), "你好")
        assert done.out == printable(f"{base}\n{adapter}\n")
        assert done.err.index("base:") < done.err.index("adapter:")
        assert "both answer already" in done.err

    def test_help_quit_and_unknown_commands(self, talk):
        done = talk("/help", "/nonsense", "/quit", "never asked")
        assert "/system [TEXT]" in done.err
        assert done.code == 0

    def test_a_line_with_a_slash_is_a_question_in_a_pipe(self, talk, answerer):
        options = ("--max-new-tokens", 12, "--temperature", 0)
        question = "/etc/hosts 是什么？"
        done = talk(question, arguments=options)
        assert done.out == printable(said(answerer, Dialogue(), question) + "\n")

    def test_settings_at_the_edge(self, talk, answerer):
        greedy = talk("你好", arguments=("--max-new-tokens", 12, "--temperature", 0))
        nearly = talk("你好", arguments=("--max-new-tokens", 12, "--temperature", 1e-45))
        assert nearly.out == greedy.out
        beyond = talk("你好", arguments=("--seed", 2**63))
        assert beyond.code == 2
        assert "--seed" in beyond.err
        for wrong in ({"seed": -1}, {"top_p": 0.0}, {"temperature": float("nan")}):
            with pytest.raises(AuroraError, match=next(iter(wrong))):
                Sampling(**wrong)

    def test_what_is_no_text_is_read_and_written_as_a_mark(
        self, command, monkeypatch, tiny_adapter
    ):
        written = io.BytesIO()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"a\xffb\n"), "utf-8"))
        monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, "ascii"))
        done = command(chat, tiny_adapter, "--max-new-tokens", 12, "--system", "a\ud800")
        assert done.code == 0
        assert written.getvalue().decode("ascii").endswith("\n")
        surrogates = Dialogue("\ud800").messages("\udfff")
        assert [each["content"] for each in surrogates] == ["?", "?"]

    def test_too_long_a_question_from_a_pipe_is_an_error(self, talk):
        done = talk("很长的问题" * 20_000)
        assert done.code == 1
        assert "shorten it" in done.err

    def test_port_needs_the_page(self, talk):
        done = talk(arguments=("--port", 1234))
        assert done.code == 2
        assert "add --web" in done.err

    def test_a_folder_without_an_adapter(self, command, tmp_path):
        done = command(chat, tmp_path)
        assert done.code == 1
        assert "training.json" in done.err


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_a_person_at_a_terminal(tiny_adapter):
    """Long lines come whole; Ctrl-C stops the answer and not the program."""
    mine, its = os.openpty()
    arguments = [tiny_adapter, "--max-new-tokens", "16000", "--temperature", "1.5"]
    process = subprocess.Popen(
        [sys.executable, "-m", "finetune.chat", *map(str, arguments)],
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    try:
        read_until(mine, b"> ", after=b"/help lists the commands.")
        long = "长" * 6000  # 18,000 bytes, where a terminal by itself gives 4,095
        typed(mine, f"/system {long}完\n".encode())
        shown = read_until(mine, b"> ", after="完)".encode()).decode(errors="replace")
        notice = shown.rpartition("a new conversation under:")[2]
        assert notice.count("长") == 6000
        typed(mine, b"/system\n/nonsense\n")
        read_until(mine, b"> ", after=b"/nonsense: no such command")
        os.write(mine, "你好\n".encode())
        read_until(mine, b"\n")
        read_until(mine, b" ")  # some of the answer
        process.send_signal(signal.SIGINT)
        assert b"(stopped)" in read_until(mine, b"> ", after=b"(stopped)")
        process.send_signal(signal.SIGINT)
        read_until(mine, b"/quit or Ctrl-D ends")
        os.write(mine, b"\x04")
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        os.close(mine)


def typed(terminal, text):
    """Write; where that would wait for the editor, which waits to show what it read, read that."""
    os.set_blocking(terminal, False)
    while text:
        try:
            text = text[os.write(terminal, text[:1024]) :]
        except BlockingIOError:
            with contextlib.suppress(BlockingIOError):
                os.read(terminal, 65536)


def read_until(terminal, mark, after=b"", seconds=60):
    """What the terminal shows up to `mark` behind `after`."""
    shown, end = b"", time.monotonic() + seconds
    os.set_blocking(terminal, False)
    while time.monotonic() < end:
        try:
            shown += os.read(terminal, 4096)
        except BlockingIOError:
            time.sleep(0.02)
        if mark in shown[max(shown.find(after), 0) :] and after in shown:
            return shown
    raise AssertionError(f"{mark!r} did not come: {shown[-2000:]!r}")
