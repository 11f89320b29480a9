import weakref

import numpy as np
import pytest
import tiny
import torch
from PIL import Image

from bimedix2_core.inference.generate import generate, prompt_batches, prompt_tokens
from bimedix2_core.inference.shared_prefix import batch_inputs, batches_of, groups_of
from bimedix2_core.model.adapters import add_lora
from bimedix2_core.records import Query, message

SYSTEM = message("system", "You read medical images.")
WORDS = ("lesion", "left", "يسار", "large mass", "الآفة", "in the lower lobe of the lung")


def checks(number: int) -> Image.Image:
    """A picture of random colours, another for each number."""
    colours = np.random.default_rng(number).integers(0, 2, (tiny.PIXELS, tiny.PIXELS, 3)) * 255
    return Image.fromarray(colours.astype(np.uint8))


def question(number: int, *pictures: int, system: dict | None = None) -> Query:
    """Questions of six lengths in both languages."""
    text = f"Is the {WORDS[number % len(WORDS)]} seen {number}?"
    messages = [message("user", text, images=len(pictures))]
    return Query(f"q{number}", "en", [system, *messages] if system else messages, images=list(map(checks, pictures)))


ONE_IMAGE = [question(number, 0) for number in range(30)]
IMAGES = [question(number, picture) for picture, n in enumerate((3, 1, 5, 2)) for number in range(n)]
TWO_IMAGES = [question(number, *pair) for pair in ((0, 1), (1, 0), (0, 2)) for number in range(3)]
TEXTS = [question(number) for number in range(4)]
SYSTEMS = [question(number, picture, system=SYSTEM) for number in range(4) for picture in (0, 1)]
TURNS = [
    Query(one.id, "en", [message("user", "Hello."), message("assistant", "Yes."), *one.prompt], images=one.images)
    for one in ONE_IMAGE[:3]
]
EVERYTHING = [
    query
    for number in range(30)
    for queries in (ONE_IMAGE, IMAGES, TWO_IMAGES, TEXTS, SYSTEMS, TURNS)
    for query in queries[number : number + 1]
]


@pytest.fixture(scope="module")
def lmm():
    """Random weights large enough that an answer depends on image and question."""
    model = tiny.tiny_lmm()
    with torch.no_grad():
        for weight in model.model.parameters():
            if weight.dim() > 1:
                weight.mul_(8)
    torch.manual_seed(1)
    model.model.lm_head.weight = torch.nn.Parameter(torch.randn_like(model.model.lm_head.weight))
    return model


@pytest.fixture(scope="module")
def said_alone(lmm):
    """The answer to each prompt when it is the only one, read in one pass; by the prompt's identity."""
    return {id(one): generate(lmm, [one], settings=tiny.GREEDY)[0] for one in EVERYTHING}


@pytest.fixture
def in_float64(lmm):
    lmm.model.double()
    yield lmm
    lmm.model.float()


def grouped(lmm, asked):
    return groups_of(lmm, asked, [prompt_tokens(lmm, one) for one in asked])


def continued(lmm, inputs):
    """Of each row its new tokens, and the logits they were chosen by, float[T, V], in the model's own precision."""
    steps = []
    hook = lmm.model.get_output_embeddings().register_forward_hook(lambda *given: steps.append(given[-1][:, -1]))
    with hook, torch.inference_mode():
        tokens = lmm.model.generate(
            **inputs,
            do_sample=False,
            max_new_tokens=5,
            pad_token_id=lmm.tokenizer.pad_token_id,
            eos_token_id=lmm.tokenizer.eos_token_id,
        )
    return list(zip(tokens[:, inputs["input_ids"].shape[1] :], torch.stack(steps, dim=1), strict=True))


def shared(lmm, asked, *, batch_size):
    """What each prompt of a group is continued by, by its place."""
    return {
        index: row
        for batch in batches_of(lmm, grouped(lmm, asked), batch_size=batch_size)
        for index, row in zip(batch.indices, continued(lmm, batch_inputs(lmm, batch)), strict=True)
    }


def largest_difference(lmm, asked, found):
    """Of the logits of all steps, with the tokens held equal."""
    largest = 0.0
    for index, (tokens, logits) in found.items():
        (alone,) = continued(lmm, next(prompt_batches(lmm, [asked[index]], batch_size=1)).inputs)
        assert tokens[: len(alone[0])].tolist() == alone[0].tolist()
        largest = max(largest, (logits[: len(alone[1])] - alone[1]).abs().max().item())
    return largest


def largest_logit_change(found, other):
    """Of the first tokens."""
    return max((found[index][1][0] - other[index][1][0]).abs().max().item() for index in found)


class Seen:
    """What a model's parts were given: images at once, tokens at once (rows, columns)."""

    def __init__(self, model):
        self.images, self.tokens = [], []
        self.hooks = [
            model.model.vision_tower.register_forward_pre_hook(self._image, with_kwargs=True),
            model.model.language_model.register_forward_pre_hook(self._token, with_kwargs=True),
        ]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for hook in self.hooks:
            hook.remove()

    def _image(self, _, given, named):
        self.images.append(len(given[0]))

    def _token(self, _, given, named):
        self.tokens.append(tuple(named["inputs_embeds"].shape[:2]))


# --- the same answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [1, 4, 7, 64])
@pytest.mark.parametrize(
    "asked",
    [ONE_IMAGE, IMAGES, TWO_IMAGES, SYSTEMS, TURNS, EVERYTHING],
    ids=["one image", "several images", "two-image prompts", "system prompt", "later turn", "everything"],
)
def test_an_answer_is_what_the_model_says_to_the_prompt_alone(lmm, said_alone, asked, batch_size):
    together = generate(lmm, asked, settings=tiny.GREEDY.model_copy(update={"batch_size": batch_size}))

    assert together == [said_alone[id(one)] for one in asked]
    assert len(set(together)) > len(asked) // 4  # so that one answer for all would be noticed


def test_logits_are_those_of_the_prompt_alone_in_float64(in_float64):
    found = shared(in_float64, EVERYTHING, batch_size=7)

    assert len(found) == len(EVERYTHING) - len(TEXTS) - 1  # and one image has one question
    assert largest_difference(in_float64, EVERYTHING, found) < 1e-10


def test_logits_are_those_of_the_prompt_alone_in_float32(lmm):
    found = shared(lmm, EVERYTHING, batch_size=7)

    largest_logit = max(logits.abs().max().item() for _, logits in found.values())
    assert largest_difference(lmm, EVERYTHING, found) < 1e-5 * largest_logit


def test_adapters_take_part(lmm):
    adapted = type(lmm)(add_lora(tiny.tiny_lmm().model, rank=2, alpha=64, dropout=0.0, seed=0), lmm.processor)
    with torch.no_grad():
        for name, weight in adapted.model.named_parameters():
            if "lora_B" in name:
                weight.normal_(generator=torch.Generator().manual_seed(0))

    found = shared(adapted, IMAGES, batch_size=4)

    assert largest_difference(adapted, IMAGES, found) < 1e-5
    with adapted.model.disable_adapter():
        assert largest_logit_change(found, shared(adapted, IMAGES, batch_size=4)) > 0.01


def test_an_answer_stays_where_its_question_was_asked(lmm):
    order = np.random.default_rng(0).permutation(len(EVERYTHING))

    answers = generate(lmm, EVERYTHING, settings=tiny.GREEDY)

    assert generate(lmm, [EVERYTHING[place] for place in order], settings=tiny.GREEDY) == [
        answers[place] for place in order
    ]


def test_sampled_answers_of_one_image_are_repeated_by_the_same_seed_and_changed_by_another(lmm):
    settings = tiny.GREEDY.model_copy(update={"temperature": 2.0})

    first = generate(lmm, ONE_IMAGE[:6], settings=settings, seed=1)

    assert first == generate(lmm, ONE_IMAGE[:6], settings=settings, seed=1)
    assert first != generate(lmm, ONE_IMAGE[:6], settings=settings, seed=2)


# --- read once -----------------------------------------------------------------------------------------------------


def test_thirty_questions_read_their_image_once(lmm):
    with Seen(lmm.model) as seen:
        generate(lmm, ONE_IMAGE, settings=tiny.GREEDY)

    n_prefix = len(grouped(lmm, ONE_IMAGE)[0].prefix)
    assert seen.images == [1]
    assert seen.tokens[0] == (1, n_prefix)
    assert max(columns for _, columns in seen.tokens[1:]) == max(
        len(prompt_tokens(lmm, one)) - n_prefix for one in ONE_IMAGE
    )


def test_each_prefix_is_read_once_however_the_batches_fall(lmm):
    asked = [question(number, picture) for picture, n in enumerate((3, 5, 2, 6)) for number in range(n)]
    for batch_size in (1, 2, 3, 4, 5, 16):
        with Seen(lmm.model) as seen:
            batches = list(batches_of(lmm, grouped(lmm, asked), batch_size=batch_size))

        assert sum(seen.images) == 4
        assert [len(batch.indices) for batch in batches[:-1]] == [batch_size] * (len(batches) - 1)
        assert sorted(index for batch in batches for index in batch.indices) == list(range(16))


def test_a_prompt_alone_with_its_images_is_read_in_one_pass_as_are_texts(lmm):
    asked = [question(0, 0), question(1, 1), question(2, 0, 1), question(3, 1, 0), *TEXTS]

    with Seen(lmm.model) as seen:
        generate(lmm, asked, settings=tiny.GREEDY.model_copy(update={"batch_size": 8, "max_new_tokens": 1}))

    assert grouped(lmm, asked) == []
    assert seen.images == [6]
    assert seen.tokens == [(8, max(len(prompt_tokens(lmm, one)) for one in asked))]


def test_no_pass_has_more_rows_than_a_batch(lmm):
    with Seen(lmm.model) as seen:
        generate(lmm, EVERYTHING, settings=tiny.GREEDY.model_copy(update={"batch_size": 5}))

    assert max(rows for rows, _ in seen.tokens) == 5


def test_a_prefix_is_forgotten_when_its_group_is_answered(lmm):
    asked = [question(number, picture) for picture, n in enumerate((4, 3, 3)) for number in range(n)]
    batches = batches_of(lmm, grouped(lmm, asked), batch_size=5)

    batch = next(batches)
    answered, begun = (weakref.ref(prefix) for prefix, _ in batch.parts)
    batch = next(batches)
    assert answered() is None
    assert begun() is batch.parts[0][0]
    last = weakref.ref(batch.parts[1][0])
    del batch
    assert next(batches, None) is None
    assert begun() is last() is None


def test_the_cache_of_one_batch_is_gone_before_the_next_is_read(lmm):
    caches, alive = [], []

    def watch(_, given, named):
        cache = named["past_key_values"]
        alive.append(sum(one() is not None and one() is not cache for one in caches))
        if cache is not None:
            caches.append(weakref.ref(cache))

    with lmm.model.model.language_model.register_forward_pre_hook(watch, with_kwargs=True):
        generate(lmm, IMAGES, settings=tiny.GREEDY)

    assert len(caches) > 6
    assert set(alive) == {0}


def test_a_prefix_owns_its_memory(lmm):
    (batch,) = batches_of(lmm, grouped(lmm, IMAGES), batch_size=64)

    for prefix, _ in batch.parts:
        keys, values = prefix.layers[0]
        assert keys.untyped_storage().nbytes() == keys.nbytes
        assert keys.shape == values.shape == (1, 2, len(prefix.tokens), 4)


# --- what is alike -------------------------------------------------------------------------------------------------


def places(groups):
    return sorted(sorted(group.suffixes) for group in groups)


def test_images_are_compared_by_content(lmm):
    first, copy, other = checks(0), checks(0), checks(0)
    other.putpixel((27, 27), (1, 2, 3))
    asked = [Query("q", "en", [message("user", "Left?", images=1)], images=[one]) for one in (first, copy, other)]

    assert places(grouped(lmm, asked)) == [[0, 1]]


def test_images_of_one_palette_index_and_other_colours_are_not_alike(lmm):
    red, blue = (Image.new("P", (28, 28)) for _ in range(2))
    red.putpalette([255, 0, 0])
    blue.putpalette([0, 0, 255])
    asked = [Query("q", "en", [message("user", "Left?", images=1)], images=[one]) for one in (red, red, blue, blue)]

    assert red.tobytes() == blue.tobytes()
    assert places(grouped(lmm, asked)) == [[0, 1], [2, 3]]


def test_the_order_of_images_counts(lmm):
    asked = [question(number, *pair) for number, pair in enumerate([(0, 1), (1, 0), (0, 1), (0,), (1, 0)])]

    assert places(grouped(lmm, asked)) == [[0, 2], [1, 4]]


def test_twins_share_an_image_where_what_stands_before_it_is_the_same(lmm):
    arabic = message("system", "أنت تقرأ صورا طبية.")
    plain = [Query("q", "en", [message("user", text, images=1)], images=[checks(0)]) for text in ("Left?", "يسار؟")]
    same, other = (
        [Query("q", "en", [system, *one.prompt], images=one.images) for system, one in zip(systems, plain, strict=True)]
        for systems in ((SYSTEM, SYSTEM), (SYSTEM, arabic))
    )

    assert places(grouped(lmm, plain)) == [[0, 1]]
    assert places(grouped(lmm, same)) == [[0, 1]]
    assert places(grouped(lmm, other)) == []
    assert places(grouped(lmm, [*plain, *same, *other])) == [[0, 1], [2, 3, 4]]


def test_a_prefix_ends_with_the_last_image_and_the_rest_follows(lmm):
    (group,) = grouped(lmm, TWO_IMAGES[:2])

    image_token = lmm.tokenizer.convert_tokens_to_ids("<image>")
    tokens = prompt_tokens(lmm, TWO_IMAGES[0])
    assert group.prefix[-1] == image_token
    assert group.prefix.count(image_token) == 2 * lmm.n_image_tokens == tokens.count(image_token)
    assert group.prefix + group.suffixes[0] == tokens


def test_the_longest_group_and_the_longest_prompt_come_first(lmm):
    texts = {0: ("a", "a b c d"), 1: ("a b", "a b c d e f", "a b c"), 2: ("a b c", "a b c d e")}
    asked = [
        Query("q", "en", [message("user", text, images=1)], images=[checks(picture)])
        for picture in texts
        for text in texts[picture]
    ]

    assert [list(group.suffixes) for group in grouped(lmm, asked)] == [[3, 4, 2], [6, 5], [1, 0]]
