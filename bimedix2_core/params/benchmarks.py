"""Sections of the benchmarks: which questions are asked, how, and who judges the answers."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from bimedix2_core.params.data_engine import ServerParams
from bimedix2_core.params.section import Count, Section, Text

RowName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]
"""Name of a row, which is also that of a folder: letters, digits, underscores and hyphens."""


def _that_runs(server: ServerParams) -> ServerParams:
    if server.kind != "endpoint":
        raise ValueError(f"kind is {server.kind}, but a benchmark starts no server; start it and write kind: endpoint")
    return server


RunningServer = Annotated[ServerParams, AfterValidator(_that_runs)]
"""A server that is there already."""


class VqaSetParams(Section):
    """One published set of questions about images."""

    test: Text
    """File, folder, or ``hub:`` and the name of the data set there."""
    images: Text | None
    """Folder of the image files, those of the training questions too; null where the files hold their images."""
    training: Text | None
    """Training questions, to see which test questions and images occur there; null where they are not compared."""


class MedicalVqaParams(Section):
    """Published sets, and held-out questions about phantoms per language, by kind."""

    sets: dict[Literal["rad_vqa", "slake_vqa", "path_vqa"], VqaSetParams]
    """Table 5's sets; empty where the project draws its own in their shape."""
    protocols: Annotated[list[Text], Field(min_length=1)]
    """How a question is put, by name; the numbers of the first one stand in Table 5."""
    n_per_set: Count | None
    """Questions of each set, those of the same image together; null is all."""
    n_closed: Count
    """Closed questions of all kinds."""
    n_side: Count
    """Left or right."""
    n_open: Count
    """Open questions with a short answer."""
    n_choice: Count
    """Multiple choice."""
    n_caption: Count
    """Captions whose loss is measured with the true and a shuffled image."""
    n_follow_up: Count
    """Complaints, half of them underspecified."""


class ClinicalQaParams(Section):
    """Examination questions in text."""

    protocols: Annotated[list[Text], Field(min_length=1)]
    """How options are shown and compared, by name; the numbers of the first one stand in the tables."""
    english: dict[str, Text]
    """Where the English sets are (file, folder or hub id), by set id; empty where the project draws its own."""
    arabic: dict[str, Text]
    """Where the Arabic sets are; empty where the project draws its own, or none is measured."""
    n_per_set: Count | None
    """Questions of each set in each language; null is all."""
    published: Text | None
    """Folder of published sets and stored model runs to look at besides; null where there is none."""


class UphillParams(Section):
    """Health claims that a question presupposes."""

    queries: Text | None
    """File of UPHILL's queries; null where the project draws its own claims."""
    n_claims: Count | None
    """Claims in each language where the project draws its own; null for a file, which is taken whole."""
    judge: RunningServer | None
    """Who says whether an answer agrees with the claim; null is a rule that reads yes and no, for the demo only."""

    @field_validator("n_claims")
    @classmethod
    def _for_own_claims(cls, value: int | None, info: ValidationInfo) -> int | None:
        if "queries" in info.data and (value is None) == (info.data["queries"] is None):
            found = "neither" if value is None else f"queries {info.data['queries']!r} and n_claims {value}"
            raise ValueError(f"give queries, or null and the number of claims to draw; found {found}")
        return value


class MbenchParams(Section):
    """Open questions on figures, answers graded by a judge."""

    english: Text | None
    """File of the English questions; null where the project draws its own."""
    arabic: Text | None
    """File of the Arabic questions."""
    images: Text | None
    """Folder of the figures."""
    n_images: Count | None
    """Phantoms to ask about where the project draws its own; null for files."""
    judge: RunningServer | None
    """Who grades; null is the rubric that knows what a phantom shows, for the demo only."""
    orders: Annotated[list[Literal["reference_first", "answer_first"]], Field(min_length=1)]
    """Which of the two answers the judge reads first; the tables have the numbers of reference_first, the paper's."""
    repeats: Count
    """How often the judge is asked for the same answer."""
    translators: dict[RowName, RunningServer | None]
    """Table 8: who translates there and back, by the end of its row's name; null is a phrasebook of the project's own
    sentences, for the demo only."""

    @field_validator("judge")
    @classmethod
    def _rubric_for_phantoms(cls, value: ServerParams | None, info: ValidationInfo) -> ServerParams | None:
        if value is None and info.data.get("english"):
            raise ValueError("the rubric grades phantoms only; name a judge for the questions of a file")
        return value

    @field_validator("orders")
    @classmethod
    def _each_once(cls, value: list[str]) -> list[str]:
        if len(set(value)) < len(value):
            raise ValueError(f"{', '.join(value)}: an order stands there twice; ask more often with repeats")
        return value

    @field_validator("n_images")
    @classmethod
    def _for_own_questions(cls, value: int | None, info: ValidationInfo) -> int | None:
        files = [info.data.get(name) for name in ("english", "arabic", "images")]
        if (value is None) != all(files) or any(files) != all(files):
            raise ValueError(
                "give the files english and arabic and the folder images, or three times null and n_images; "
                f"found {files} and n_images {value}"
            )
        return value


class ReportsParams(Section):
    """Radiology reports, generated and summarised."""

    mimic_cxr: Text | None
    """Folder of MIMIC-CXR; null where it is not measured."""
    mimic_iii: Text | None
    """NOTEEVENTS of MIMIC-III; null where it is not measured."""
    mimic_iii_ids: Text | None
    """File with the ROW_ID of each note to take, one a line, as MultiMedEval's split has them; null takes all."""
    iu_xray: Text | None
    """Reports of IU X-ray beside the folder ``images``; null where it is not measured."""
    n_reports: Count | None
    """Reports of each set; null is all. Where all three sets are null, how many the project draws of each."""
    protocols: Annotated[list[Text], Field(min_length=1)]
    """How a report is asked for, by name; the first of a task and language is used there."""
    bert_score: Text | None
    """Model of BERTScore: folder or hub id; null leaves it out."""
    scorers_python: Text | None
    """Python of the separate environment with RadGraph and CheXbert; null leaves them out."""
    private: Text | None
    """Folder for what quotes credentialed reports (answers, annotations, images), not in outputs; null where all may
    stand in outputs, as the project's own may."""

    @field_validator("n_reports")
    @classmethod
    def _for_own_reports(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is None and not any(info.data.get(name) for name in ("mimic_cxr", "mimic_iii", "iu_xray")):
            raise ValueError("name a set, or say how many reports the project is to draw of its own")
        return value

    @field_validator("private")
    @classmethod
    def _apart_from_outputs(cls, value: str | None, info: ValidationInfo) -> str | None:
        credentialed = [name for name in ("mimic_cxr", "mimic_iii") if info.data.get(name)]
        if credentialed and (value is None or "outputs" in value.replace("\\", "/").split("/")):
            raise ValueError(
                f"{' and '.join(credentialed)} are credentialed; name a folder for their texts that is not in outputs; "
                f"found {value!r}"
            )
        return value


class BenchmarkParams(Section):
    """What is measured, beside the profile's own model on whom."""

    endpoints: dict[RowName, RunningServer]
    """Models behind OpenAI-compatible endpoints that answer too, by the name of their row."""
    answer_files: dict[RowName, Text]
    """Folders of answers made elsewhere, one JSONL file for each set, by the name of their row."""
    clinical_qa: ClinicalQaParams
    """Notebook 06."""
    uphill: UphillParams
    """Notebook 07."""
    bimed_mbench: MbenchParams
    """Notebook 08."""
    medical_vqa: MedicalVqaParams
    """Notebook 09."""
    reports: ReportsParams
    """Notebook 10."""

    @field_validator("answer_files")
    @classmethod
    def _rows_of_their_own(cls, value: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        shared = sorted(set(value) & set(info.data.get("endpoints", {})))
        if shared:
            raise ValueError(f"{', '.join(shared)}: the name of an endpoint too; a row has the answers of one model")
        return value
