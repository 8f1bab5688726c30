"""Where sources come from: their address, and for the published sets that we know, what to cite.

Nothing is guessed: a set is known by its repository on the Hub or by a file's published SHA-256.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from curation.sources.hub import SCHEME, Address, parse
from schemas.manifest import InputFile, Manifest
from schemas.recipe import Source


@dataclass(frozen=True, slots=True)
class Origin:
    """A published set. creators: who wrote its text, as the Hub names them."""

    title: str
    creators: tuple[str, ...]
    note: str
    citation: str


_ALPACA = Origin(
    "alpaca_zh_51k of Chinese-LLaMA-Alpaca",
    ("machine-generated",),
    "Stanford Alpaca's output of an OpenAI model (CC BY-NC 4.0), translated by a model: check "
    "whether the licence that its copy states is enough for your use.",
    """@article{Chinese-LLaMA-Alpaca,
  title = {Efficient and Effective Text Encoding for Chinese LLaMA and Alpaca},
  author = {Cui, Yiming and Yang, Ziqing and Yao, Xin},
  journal = {arXiv preprint arXiv:2304.08177},
  url = {https://arxiv.org/abs/2304.08177},
  year = {2023}
}""",
)
_GPT4_LLM = Origin(
    "alpaca_gpt4_data_zh of GPT-4-LLM",
    ("machine-generated",),
    "Written by GPT-4 to prompts that ChatGPT translated. Its authors license it CC BY-NC 4.0, "
    "for research only; copies on the Hub also say CC BY 4.0.",
    """@article{peng2023gpt4llm,
  title = {Instruction Tuning with GPT-4},
  author = {Baolin Peng and Chunyuan Li and Pengcheng He and Michel Galley and Jianfeng Gao},
  journal = {arXiv preprint arXiv:2304.03277},
  year = {2023}
}""",
)
_SHAREGPT = Origin(
    "ShareGPT-Chinese-English-90k of shareAI",
    ("found", "machine-generated"),
    "Conversations of people with ChatGPT, in part translated by a model: what OpenAI's terms ask "
    "of its output may hold besides the stated licence.",
    r"""@misc{ShareGPT-Chinese-English-90k,
  author = {shareAI},
  title = {ShareGPT-Chinese-English-90k Bilingual Human-Machine QA Dataset},
  year = {2023},
  howpublished = {\url{https://huggingface.co/datasets/shareAI/ShareGPT-Chinese-English-90k}}
}""",
)
_BY_REPOSITORY = {
    "hfl/alpaca_zh_51k": _ALPACA,
    "shibing624/alpaca-zh": _GPT4_LLM,
    "llamafactory/alpaca_gpt4_zh": _GPT4_LLM,
    "shareai/sharegpt-chinese-english-90k": _SHAREGPT,
}
#: Files as their authors published them (curation/recipes/aurora.yaml).
_BY_SHA256 = {
    "f1c1962ed88f95f87ecbe70addd816fa3ade0ee5494a220a3c4972429e7cf111": _ALPACA,
    "951f1331cacabc7b5de2a5d72592a103be0676daba8d92ae7c67b061639e0f46": _GPT4_LLM,
}

AURORA = """@misc{wang2023auroraactivating,
  title = {Aurora: Activating Chinese chat capability for Mixtral-8x7B sparse Mixture-of-Experts \
through Instruction-Tuning},
  author = {Rongsheng Wang and Haoming Chen and Ruizhe Zhou and Yaofei Duan and Kunyan Cai and \
Han Ma and Jiaxi Cui and Jian Li and Patrick Cheong-Iao Pang and Yapeng Wang and Tao Tan},
  year = {2023},
  eprint = {2312.14557},
  archivePrefix = {arXiv},
  primaryClass = {cs.CL}
}"""


def addresses(source: Source) -> list[Address]:
    """The source's addresses on the Hub; none where its files are local."""
    asker = f"source {source.name!r}"
    return [parse(path, asker) for path in source.paths if path.startswith(SCHEME)]


def origins(source: Source, inputs: Iterable[InputFile]) -> list[Origin]:
    """The published sets that a source is known to hold, each once."""
    found = [_BY_REPOSITORY.get(address.repo.lower()) for address in addresses(source)]
    found += [_BY_SHA256.get(file.sha256 or "") for file in inputs if file.source == source.name]
    return [one for one in dict.fromkeys(found) if one]


def all_origins(manifest: Manifest) -> list[Origin]:
    """The published sets in the corpus, each once, in the order of its sources."""
    sources = manifest.recipe.sources
    return list(dict.fromkeys(one for s in sources for one in origins(s, manifest.inputs)))


def citations(manifest: Manifest) -> str:
    """BibTeX of Aurora and of the published sets."""
    return "\n\n".join([AURORA, *(origin.citation for origin in all_origins(manifest))])
