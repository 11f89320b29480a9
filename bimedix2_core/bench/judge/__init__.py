"""Judge: a model that grades answers. It is asked once, its words are kept raw, and are read apart from the asking.

    material + prompt file -> JudgeRequest -> ask_judge -> Verdict (raw text, on disk) -> a benchmark reads its score
                                   |                            |                                     |
                                   +---------> replay <---------+ without a network                   |
                                                                                                      v
               judges, repeats, experts: agreements      several draws: judge_noise      injected instructions: shifts

- A request is known by its content (judge, prompt, material): a run that was killed goes on, nothing is paid twice.
- What a judge could not be asked, or said in no readable form, is unscored: counted, never a label and never a score.
- What is judged cannot imitate the marks of the prompt: see `JudgePrompts.messages`.
- A score by a rule is no judge's score: the name of whoever judged goes into every definition.
"""

from bimedix2_core.bench.judge.agreement import Agreement, agreement, agreements
from bimedix2_core.bench.judge.asking import ask_judge
from bimedix2_core.bench.judge.cost import CostEstimate, estimate_cost
from bimedix2_core.bench.judge.expert_scores import read_scores
from bimedix2_core.bench.judge.injection import Attack, Shift, attacked, attacks, injection_sentence, shifts
from bimedix2_core.bench.judge.noise import JudgeNoise, judge_noise
from bimedix2_core.bench.judge.problems import count_problems
from bimedix2_core.bench.judge.prompted import PromptedJudge, pairs_of
from bimedix2_core.bench.judge.prompts import JudgePrompts, Wording, judge_prompts
from bimedix2_core.bench.judge.reading import json_fields
from bimedix2_core.bench.judge.record import replay
from bimedix2_core.bench.judge.verdicts import JudgeModel, JudgeRequest, Verdict

__all__ = [
    "Agreement",
    "Attack",
    "CostEstimate",
    "JudgeModel",
    "JudgeNoise",
    "JudgePrompts",
    "JudgeRequest",
    "PromptedJudge",
    "Shift",
    "Verdict",
    "Wording",
    "agreement",
    "agreements",
    "ask_judge",
    "attacked",
    "attacks",
    "count_problems",
    "estimate_cost",
    "injection_sentence",
    "json_fields",
    "judge_noise",
    "judge_prompts",
    "pairs_of",
    "read_scores",
    "replay",
    "shifts",
]
