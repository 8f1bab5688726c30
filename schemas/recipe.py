"""The recipe: which sources to read and how each stage treats them.

Every option has a sound default; `docs/recipes.md` gives the reason for each.
"""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from schemas.document import Document

Format = Literal["auto", "alpaca", "sharegpt", "shareai", "messages", "history"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,95}$")]
AssistantName = Annotated[str, Field(pattern=r"^\S(.{0,62}\S)?$")]
Share = Annotated[float, Field(ge=0, le=1)]

#: What people write for a language code.
_MEANT = {
    "cn": "zh", "zh": "zh", "chinese": "zh", "mandarin": "zh", "cantonese": "yue", "jp": "ja",
    "japanese": "ja", "kr": "ko", "korean": "ko", "en": "en", "english": "en",
}  # fmt: skip

#: What the privacy stage finds; `address` only where the recipe asks for it.
PrivateKind = Literal[
    "mobile", "landline", "id_card", "bank_card", "email", "ip", "licence_plate", "passport",
    "qq", "wechat", "private_key", "jwt", "api_key", "address",
]  # fmt: skip


class Source(Document):
    """One named set of input files that share a format and a licence."""

    name: Name = Field(description="Unique name; becomes the `source` column.")
    path: str | list[str] = Field(
        description="File, glob, or a list of them; or hf://datasets/OWNER/NAME/FILE@REVISION."
    )
    format: Format = Field("auto", description="Record format; `auto` looks at every record.")
    license: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 .+_-]{0,95}$")] = Field(
        "unknown", description="Licence as the Hub names it: cc-by-nc-4.0."
    )
    sha256: str | dict[str, str] | None = Field(
        None, description="Expected SHA-256 of the file, or of each file by its name."
    )
    roles: dict[str, Literal["system", "user", "assistant"]] = Field(
        default_factory=dict, description="Further role names of this source and what they mean."
    )

    @property
    def paths(self) -> list[str]:
        """`path` as a list."""
        return [self.path] if isinstance(self.path, str) else self.path

    @field_validator("path")
    @classmethod
    def _not_empty(cls, path: str | list[str]) -> str | list[str]:
        if not path or (isinstance(path, list) and not all(path)):
            raise ValueError("must name at least one file")
        return path

    @field_validator("sha256")
    @classmethod
    def _hex(cls, value: str | dict[str, str] | None) -> str | dict[str, str] | None:
        digests = value.values() if isinstance(value, dict) else [value] if value else []
        if not all(re.fullmatch(r"[0-9a-fA-F]{64}", digest) for digest in digests):
            raise ValueError("a SHA-256 is 64 hexadecimal digits")
        return value


class StageConfig(Document):
    """What every stage has in common."""

    enabled: bool = Field(True, description="False leaves the stage out.")


class Clean(StageConfig):
    """Text cleaning: encoding, characters, white space, residue of HTML and of prompts."""

    html: bool = Field(True, description="Remove HTML residue outside code.")


class Language(StageConfig):
    """Language identification, and which languages to keep."""

    keep: Annotated[list[str], Field(min_length=1)] | Literal["all"] = Field(
        default_factory=lambda: ["zh"], description="Language codes to keep, or `all`."
    )

    @field_validator("keep", mode="before")
    @classmethod
    def _codes(cls, keep: object) -> object:
        codes = [keep] if isinstance(keep, str) and keep != "all" else keep
        if codes == []:
            raise ValueError("must name at least one language, or be `all`")
        for code in codes if isinstance(codes, list) else ():
            if (
                not isinstance(code, str)
                or not re.fullmatch("[a-z]{2,3}", code)
                or code in ("cn", "jp", "kr")
            ):
                meant = _MEANT.get(str(code).lower().split("-")[0].split("_")[0])
                hint = f"did you mean {meant!r}?" if meant else "codes are zh, yue, ja, ko, en, …"
                raise ValueError(f"{code!r} is no ISO 639 code; {hint}")
        return codes


class Script(StageConfig):
    """Traditional→Simplified conversion of Traditional text."""

    config: Literal["t2s", "tw2s", "tw2sp", "hk2s", "hk2sp"] = Field(
        "t2s", description="OpenCC configuration."
    )


class Privacy(StageConfig):
    """Personal data and secrets in messages."""

    action: Literal["redact", "drop", "flag", "off"] = Field(
        "redact",
        description="Replace what is found by typed placeholders, drop the conversation, or keep "
        "it and name the kinds in the column `pii`.",
    )
    addresses: bool = Field(False, description="Look for postal addresses too.")
    ignore: list[PrivateKind] = Field(default_factory=list, description="Kinds to leave alone.")
    originals: bool = Field(
        True, description="False keeps what was found out of the edits ledger too."
    )

    @field_validator("ignore", mode="before")
    @classmethod
    def _one(cls, kinds: object) -> object:
        return [kinds] if isinstance(kinds, str) else kinds

    @property
    def searches(self) -> bool:
        """Whether anything is looked for."""
        return self.enabled and self.action != "off"

    @property
    def withholds(self) -> bool:
        """Whether what is found stays out of the ledger too."""
        return self.searches and not self.originals

    @field_validator("action", mode="before")
    @classmethod
    def _off(cls, action: object) -> object:
        """YAML reads `off` as false."""
        return "off" if action is False else action


class ControlTokens(StageConfig):
    """Control tokens of chat templates, such as [INST], written out in messages."""

    action: Literal["escape", "drop", "keep"] = Field(
        "escape",
        description="Break them with a backslash, drop the conversation, or keep and count them.",
    )


class Quality(StageConfig):
    """Length and quality filters. Disabled, the score is still written and nothing is dropped."""

    min_score: Share = Field(0.5, description="Drop conversations whose quality score is lower.")
    max_chars: int = Field(32_000, ge=1, description="Drop conversations with more characters.")
    max_message_chars: int = Field(16_000, ge=1, description="Drop when one message is longer.")
    identity: Literal["drop", "keep", "replace"] = Field(
        "drop",
        description="Answers in which the assistant says it is another model: drop the "
        "conversation, keep it, or name `assistant_name` and `assistant_developer` instead.",
    )
    assistant_name: AssistantName | None = Field(
        None, description="The name that `identity: replace` gives the assistant."
    )
    assistant_developer: AssistantName | None = Field(
        None, description="The developer that `identity: replace` gives the assistant."
    )

    @model_validator(mode="after")
    def _has_identity(self) -> "Quality":
        names = (self.assistant_name, self.assistant_developer)
        if self.identity == "replace" and None in names:
            raise ValueError("`identity: replace` needs `assistant_name` and `assistant_developer`")
        if self.identity != "replace" and names != (None, None):
            raise ValueError(
                "`assistant_name` and `assistant_developer` are for `identity: replace`"
            )
        return self


class Dedup(StageConfig):
    """Exact and near-duplicate removal over character shingles."""

    threshold: Annotated[float, Field(gt=0, le=1)] = Field(
        0.8, description="Exact Jaccard from which two texts are duplicates."
    )
    ngram: int = Field(5, ge=1, le=32, description="Shingle length in characters.")
    num_perm: int = Field(128, ge=16, le=1024, description="MinHash permutations.")
    key: Literal["prompt", "response", "conversation"] = Field(
        "conversation", description="Which part of a conversation is compared."
    )
    priority: list[str] = Field(
        default_factory=list,
        description="Sources whose rows survive first; the others follow in recipe order.",
    )
    same_prompt: Literal["keep_all", "keep_best", "keep_by_source"] = Field(
        "keep_all",
        description="Conversations with the prompt of another and a different answer: keep all, "
        "or one of them, by quality or by source.",
    )

    @model_validator(mode="before")
    @classmethod
    def _one_policy(cls, dedup: object) -> object:
        """`key: prompt` keeps one answer to a prompt: by source, unless the recipe says best."""
        if not isinstance(dedup, dict) or dedup.get("key") != "prompt":
            return dedup
        if dedup.get("same_prompt") == "keep_all":
            raise ValueError(
                "`key: prompt` keeps one conversation per prompt, `same_prompt: keep_all` all of "
                "them; use `key: conversation`"
            )
        return {"same_prompt": "keep_by_source", **dedup}

    def compared_by(self) -> list[str]:
        """What is compared: the key, and the prompt where one answer to each is kept."""
        if not self.enabled:
            return []
        return list(dict.fromkeys([self.key, *["prompt"] * (self.same_prompt != "keep_all")]))


class Decontaminate(StageConfig):
    """Finding benchmark items in training data, by n-gram containment. Off without benchmarks."""

    benchmarks: list[Annotated[str, Field(min_length=1)]] = Field(
        default_factory=list,
        description="Benchmarks to keep out: ceval, cmmlu, mmlu (from the Hub), or paths.",
    )
    action: Literal["drop", "flag"] = Field(
        "drop", description="Drop what contains an item, or keep it and say so in the ledger."
    )
    threshold: Annotated[float, Field(gt=0, le=1)] = Field(
        0.75,
        description="Share of an item, options included, that a conversation must contain.",
    )

    @field_validator("benchmarks", mode="before")
    @classmethod
    def _one(cls, benchmarks: object) -> object:
        return [benchmarks] if isinstance(benchmarks, str) else benchmarks


class Category(StageConfig):
    """Topic tagging into the 20 categories of `docs/taxonomy.md`."""

    min_score: Share = Field(0.47, description="Below this score a conversation is `Other`.")


class Split(StageConfig):
    """Validation rows, chosen by cluster: no near-duplicate of one is trained on."""

    validation: Annotated[float, Field(ge=0, le=10**12)] = Field(
        0, description="Share of the kept conversations, or from 1 on their number; 0 for none."
    )

    @field_validator("validation", mode="before")
    @classmethod
    def _count_or_share(cls, validation: object) -> object:
        if isinstance(validation, bool):
            raise ValueError("must be a number")
        if isinstance(validation, int | float) and validation > 1 and validation % 1:
            raise ValueError("must be a share below 1 or a whole number of conversations")
        return validation

    @property
    def asked(self) -> bool:
        """Whether any are."""
        return self.enabled and self.validation > 0

    def rows(self, kept: int) -> int:
        """How many of `kept` conversations are for validation."""
        if not self.asked:
            return 0
        return round(self.validation * kept) if self.validation < 1 else int(self.validation)


class Stages(Document):
    """The configuration of every stage, in the order they run."""

    clean: Clean = Clean()
    language: Language = Language()
    script: Script = Script()
    privacy: Privacy = Privacy()
    control_tokens: ControlTokens = ControlTokens()
    quality: Quality = Quality()
    category: Category = Category()
    decontaminate: Decontaminate = Decontaminate()
    dedup: Dedup = Dedup()
    split: Split = Split()

    def compared_threshold(self) -> float:
        """From which Jaccard on candidates must be found; the split's near-duplicates have 0.8."""
        return min(self.dedup.threshold, 0.8 if self.split.asked else 1)

    def compared_keys(self) -> list[str]:
        """By what conversations are compared: to drop duplicates, and to split by cluster."""
        split = ["conversation", "prompt"] * self.split.asked
        return list(dict.fromkeys([*self.dedup.compared_by(), *split]))

    @model_validator(mode="before")
    @classmethod
    def _defaults(cls, stages: object) -> object:
        """An empty mapping means all defaults."""
        if not isinstance(stages, dict):
            return stages
        return {name: {} if config is None else config for name, config in stages.items()}


class Recipe(Document):
    """A whole run: its name, its sources, its stages."""

    name: Name = Field(description="Name of the corpus.")
    description: str = Field("", description="One or two sentences for the dataset card.")
    sources: list[Source] = Field(min_length=1)
    stages: Stages = Stages()

    @field_validator("stages", mode="before")
    @classmethod
    def _no_stages(cls, stages: object) -> object:
        return {} if stages is None else stages

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        names = [source.name for source in self.sources]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise ValueError(f"two sources are named {twice!r}; names must be unique")
        unknown = next((name for name in self.stages.dedup.priority if name not in names), None)
        if unknown:
            raise ValueError(f"stages.dedup.priority names {unknown!r}, which is not a source")
        return self
