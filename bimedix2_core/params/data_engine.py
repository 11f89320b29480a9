"""Sections of the data engine: translation, its server and machines, composition."""

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from bimedix2_core.params.section import Count, CountOrZero, NotNegative, Rate, Section, Text


class ServerParams(Section):
    """The model that translates or synthesises."""

    kind: Literal["serve", "endpoint", "vllm"]
    """serve starts `transformers serve` on loopback, vllm lets datatrove start vLLM, endpoint takes what runs."""
    model: Text
    """Name the endpoint knows, hub id, or folder."""
    url: Text | None
    """Of an endpoint, up to and with /v1; null where a server is started."""
    api_key_variable: Text | None
    """Environment variable that holds the key; null where none is needed."""
    in_flight: Count
    """Most requests at a time."""
    timeout: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    """Seconds until a request without an answer is tried again."""
    budget: NotNegative | None
    """Most that may be spent, in the currency of the prices; null is no limit."""
    prompt_price: NotNegative
    """Of a million prompt tokens."""
    completion_price: NotNegative
    """Of a million completion tokens."""

    @field_validator("url")
    @classmethod
    def _given_for_an_endpoint(cls, value: str | None, info: ValidationInfo) -> str | None:
        kind = info.data.get("kind")
        if kind == "endpoint" and value is None:
            raise ValueError("kind is endpoint, so its address is needed")
        if kind in ("serve", "vllm") and value is not None:
            raise ValueError(f"kind is {kind}, which starts a server of its own; write null, or kind: endpoint")
        return value


class MachinesParams(Section):
    """Where translation and synthesis run: one of datatrove's executors."""

    executor: Literal["local", "slurm", "ray"]
    """This machine, a Slurm cluster, a Ray cluster."""
    tasks: Count
    """Parts that the rows are dealt to."""
    workers: Count
    """Parts that run at the same time."""
    options: dict[str, Any]
    """Further arguments of the executor (Slurm: time, partition, cpus_per_task, ...)."""


class TranslationParams(Section):
    """English rows become Arabic ones: translated, checked, scored, refined, reviewed."""

    protocol: Literal["bimedix2", "bimedix1", "ours"]
    """bimedix2 translates once; bimedix1 scores and translates again; ours protects and checks by rule as well."""
    prompts: Text
    """Prompt set: a file of data/translate/prompts/."""
    rounds: Count
    """Most attempts for a row."""
    threshold: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
    """Score from which a translation passes."""
    protects: list[Text]
    """Kinds that the translator does not see; the others are compared afterwards."""
    max_new_tokens: Count
    """Longest answer in tokens."""
    refine_temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
    """Of the second and later attempts; the first is greedy."""
    sources: dict[str, Text]
    """Where the files or hub ids of the English sources are, by source id; empty where the project draws its own."""
    n_rows: Count | None
    """Rows to translate; null is all."""
    chunk_size: Count
    """Rows whose results are written together."""
    n_reviewed: Count
    """Rows drawn at random for the physicians; what the protocol always shows them comes on top."""
    server: ServerParams
    """The translator."""
    machines: MachinesParams
    """Where it runs."""


class SynthesisJob(Section):
    """One kind of new sample and what it is made from."""

    kind: Literal["doctor_chat", "image_conversation", "fuller_answer"]
    """Multiple choice to a chat, caption to a conversation, short answer to sentences."""
    read: Text
    """Source id of the rows it is made from."""
    location: Text | None
    """Their file or hub id; null where the project draws its own."""
    source: Text
    """Source id of the rows made."""


class SynthesisParams(Section):
    """New samples from published ones: chats, conversations, fuller answers."""

    prompts: Text
    """Prompt set: a file of data/synthesize/prompts/."""
    rounds: Count
    """Most attempts for a row."""
    max_new_tokens: Count
    """Longest answer in tokens."""
    refine_temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)]
    """Of the second and later attempts; the first is greedy."""
    jobs: list[SynthesisJob]
    """What is made."""
    n_rows: Count | None
    """Rows of each job; null is all."""
    chunk_size: Count
    """Rows whose results are written together."""
    server: ServerParams
    """The writer."""
    machines: MachinesParams
    """Where it runs."""


class CompositionParams(Section):
    """BiMed-V from its parts."""

    share: Rate
    """Share of Table 12's counts; 1 is all of them."""
    rows_per_shard: Count
    """Rows of one Parquet file."""
    sources: dict[str, Text]
    """Where the files or hub ids of the parts are, by source id; empty where the project draws its own."""
    ngram: Count
    """Words in a row that a training row and a benchmark item must share to count as a leak."""
    hash_distance: Annotated[int, Field(ge=0, le=64)]
    """Most bits in which the perceptual hashes of the same image differ."""
    max_bad_rows: CountOrZero
    """Unreadable rows of one source file before the run stops."""
