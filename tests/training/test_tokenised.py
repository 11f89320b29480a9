import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import tiny
from PIL import Image

from bimedix2_core.data.chat import IGNORE_INDEX, encode
from bimedix2_core.data.image_files import ImageFiles
from bimedix2_core.errors import DataError
from bimedix2_core.params import root
from bimedix2_core.records import message
from bimedix2_core.training import tokenised
from bimedix2_core.training.tokenised import Tokenised, tokenise

LMM = tiny.tiny_lmm()
N_IMAGE = LMM.n_image_tokens
PICTURE = tiny.colour_image(40)


def tokens_of(samples, folder, *, max_length=256, too_long="error", workers=0):
    return tokenise(samples, LMM, max_length=max_length, too_long=too_long, folder=folder, workers=workers)


def encoded(sample):
    return encode(sample, LMM.tokenizer, n_image_tokens=N_IMAGE)


def files_in(folder):
    return sorted(file.name for file in folder.iterdir() if file.name != "tokens.lock")


def asked(name, *turns, images=()):
    """A sample of turns given as (role, text) or (role, text, number of images)."""
    sample = tiny.sample(name=name, n_images=0)
    messages = [message(role, text, images=sum(n)) for role, text, *n in turns]
    return replace(sample, messages=messages, images=list(images))


# --- what is read back ---------------------------------------------------------------------------------------------


def test_every_sample_comes_back_as_it_was_encoded(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenised, "CHUNK", 3)  # eight samples in three batches, the last of two
    samples = tiny.mixed_samples(8)

    found = tokens_of(samples, tmp_path)

    assert list(found) == [encoded(one) for one in samples]
    assert found[-1] == encoded(samples[-1])
    assert found[np.int64(4)] == encoded(samples[4])
    assert all(type(token) is int for token in found[0].input_ids + found[0].labels)
    for outside in (8, -9):
        with pytest.raises(IndexError, match="of 8"):
            found[outside]


def test_the_numbers_are_those_of_the_encoded_samples_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenised, "CHUNK", 3)
    samples = tiny.mixed_samples(8)
    one_by_one = [encoded(one) for one in samples]

    found = tokens_of(samples, tmp_path)

    assert len(found) == 8
    assert found.lengths.tolist() == [len(one.input_ids) for one in one_by_one]
    assert found.n_supervised.tolist() == [one.n_supervised for one in one_by_one]
    assert found.has_image.tolist() == [False, True, True, False, True, True, False, True]
    assert found.languages == ["en", "ar"] * 4
    assert found.ids[:2] == ["s0-en", "s1-ar"]
    assert found.n_cut == 0
    assert {getattr(found, name).dtype for name in ("lengths", "n_supervised", "n_prefix", "groups")} == {
        np.dtype("i8")
    }
    assert found.has_image.dtype == bool


def test_tokens_are_read_from_the_mapped_file_and_not_into_memory(tmp_path):
    samples = [tiny.sample(name=str(index), n_images=0) for index in range(300)]
    tokens_of(samples, tmp_path)
    (file,) = tmp_path.glob("tokens-*.arrow")
    before = pa.total_allocated_bytes()

    found = Tokenised(file)

    assert pa.total_allocated_bytes() - before < 1_000
    assert found._input_ids[0].values.base is not None  # a view
    assert found[299] == encoded(samples[299])


def test_no_sample_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no sample to train on"):
        tokens_of([], tmp_path)


# --- prefixes and groups -------------------------------------------------------------------------------------------


def test_a_prefix_ends_with_the_last_image_token(tmp_path):
    one, two, none = (tiny.sample(name=str(n), n_images=n) for n in (1, 2, 0))
    image_token = LMM.tokenizer.convert_tokens_to_ids("<image>")

    found = tokens_of([one, two, none], tmp_path)

    for index in (0, 1):
        ids, end = found[index].input_ids, found.n_prefix[index]
        assert ids[end - 1] == image_token
        assert image_token not in ids[end:]
    assert found[0].input_ids.count(image_token) == N_IMAGE
    assert found[1].input_ids.count(image_token) == 2 * N_IMAGE
    assert (found.n_prefix[2], found.groups[2]) == (0, -1)


def test_twins_and_other_questions_about_one_picture_are_one_group_whoever_opened_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenised, "CHUNK", 3)  # the last of them in another chunk
    same_look = PICTURE.copy()
    samples = [
        replace(tiny.sample(name="a"), images=[PICTURE]),
        replace(tiny.sample(name="other"), images=[tiny.colour_image(9)]),
        replace(tiny.sample(name="a", language="ar"), images=[PICTURE]),
        tiny.sample(name="text", n_images=0),
        replace(tiny.sample(name="b", question="What is it?"), images=[same_look]),
    ]

    assert tokens_of(samples, tmp_path).groups.tolist() == [0, 1, 0, -1, 0]


def palette_picture(colours):
    picture = Image.new("P", (tiny.PIXELS, tiny.PIXELS), 0)
    picture.putpalette(colours)
    return picture


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (  # one pixel differs
            asked("a", ("user", "Where?", 1), ("assistant", "Left."), images=[PICTURE]),
            asked("b", ("user", "Where?", 1), ("assistant", "Left."), images=[tiny.colour_image(41)]),
        ),
        (  # the same pixel values in another palette
            asked("a", ("user", "Where?", 1), ("assistant", "Left."), images=[palette_picture([255, 0, 0])]),
            asked("b", ("user", "Where?", 1), ("assistant", "Left."), images=[palette_picture([0, 0, 255])]),
        ),
        (  # other words before the image
            asked("a", ("system", "Be brief."), ("user", "W?", 1), ("assistant", "Left."), images=[PICTURE]),
            asked("b", ("system", "Be exact."), ("user", "W?", 1), ("assistant", "Left."), images=[PICTURE]),
        ),
        (  # the same two pictures in another order
            asked("a", ("user", "W?", 2), ("assistant", "L."), images=[PICTURE, tiny.colour_image(9)]),
            asked("b", ("user", "W?", 2), ("assistant", "L."), images=[tiny.colour_image(9), PICTURE]),
        ),
        (  # one begins as the other does, and goes on with a second picture
            asked("a", ("user", "W?", 1), ("assistant", "L."), images=[PICTURE]),
            asked("b", ("user", "W?", 2), ("assistant", "L."), images=[PICTURE, PICTURE]),
        ),
    ],
    ids=["pixel", "palette", "system", "order", "number"],
)
def test_near_misses_are_other_groups(tmp_path, first, second):
    found = tokens_of([first, second, replace(first, id="c")], tmp_path)

    assert found.groups.tolist() == [0, 1, 0]


def test_where_the_assistant_speaks_before_the_last_image_nothing_is_shared(tmp_path):
    second_look = ("user", "And here?", 1)
    turns = [("user", "Where?", 1), ("assistant", "Left."), second_look, ("assistant", "Right.")]
    silent = [("user", "Where?", 1), ("user", "Please."), second_look, ("assistant", "Right.")]
    pictures = [PICTURE, tiny.colour_image(9)]

    found = tokens_of([asked("a", *turns, images=pictures), asked("b", *silent, images=pictures)], tmp_path)

    assert (found.n_prefix[0], found.groups[0]) == (0, -1)
    assert found.n_prefix[1] > 2 * N_IMAGE
    assert found.groups[1] == 0
    assert found[1].labels[: found.n_prefix[1]] == [IGNORE_INDEX] * found.n_prefix[1]


def test_images_in_files_are_grouped_by_file_and_never_opened(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_text("no picture")  # opened, it would be an error
    first, second = ImageFiles((tmp_path / "a.png",)), ImageFiles((tmp_path / "b.png",))
    samples = [replace(tiny.sample(name=str(n)), images=one) for n, one in enumerate((first, second, first))]

    assert tokens_of(samples, tmp_path / "tokens").groups.tolist() == [0, 1, 0]


# --- too long ------------------------------------------------------------------------------------------------------


def test_samples_that_are_too_long_are_one_error_that_names_the_first_and_counts_all(tmp_path):
    samples = [asked(str(n), ("user", "Go."), ("assistant", "left " * 10 * n)) for n in (1, 6, 2, 9)]
    lengths = [len(encoded(one).input_ids) for one in samples]
    limit = max(lengths[0], lengths[2])

    with pytest.raises(DataError) as caught:
        tokens_of(samples, tmp_path, max_length=limit)

    assert str(caught.value) == (
        f"sample 6-en: {lengths[1]} tokens, but max_length is {limit}; 2 of 4 samples are too long ('6-en', '9-en'), "
        f"the longest of them has {lengths[3]} tokens; raise max_length, set too_long to cut or leave them out"
    )
    assert files_in(tmp_path) == []


def test_a_sample_of_just_max_length_is_whole_and_one_token_more_is_too_long(tmp_path):
    sample = tiny.sample()
    length = len(encoded(sample).input_ids)

    assert tokens_of([sample], tmp_path, max_length=length, too_long="cut").n_cut == 0
    with pytest.raises(DataError, match=f"{length} tokens, but max_length is {length - 1}"):
        tokens_of([sample], tmp_path, max_length=length - 1)


def test_a_cut_keeps_the_first_tokens_and_is_counted(tmp_path):
    long, short = tiny.sample(name="long", answer="left " * 20), tiny.sample(name="short")
    whole = encoded(long)
    limit = len(whole.input_ids) - 5

    found = tokens_of([long, short], tmp_path, max_length=limit, too_long="cut")

    assert found[0] == replace(whole, input_ids=whole.input_ids[:limit], labels=whole.labels[:limit])
    assert found[1] == encoded(short)
    assert found.lengths.tolist() == [limit, len(encoded(short).input_ids)]
    assert found.n_supervised[0] == whole.n_supervised - 5  # the end is all answer
    assert found.n_cut == 1
    assert Tokenised(found.file).n_cut == 1  # the file knows it too


def test_a_cut_through_an_image_is_an_error_and_a_cut_right_behind_it_needs_an_answer(tmp_path):
    sample = tiny.sample(name="a", n_images=2)
    end = int(tokens_of([sample], tmp_path).n_prefix[0])
    n_before_answer = encoded(sample).labels.count(IGNORE_INDEX)

    with pytest.raises(DataError, match=rf"sample a-en: its images end at token {end}, a cut at {end - 1} breaks them"):
        tokens_of([sample], tmp_path, max_length=end - 1, too_long="cut")
    for limit in (end, n_before_answer):
        with pytest.raises(DataError, match=rf"answers from token {n_before_answer} on, a cut at {limit} leaves none"):
            tokens_of([sample], tmp_path, max_length=limit, too_long="cut")
    assert tokens_of([sample], tmp_path, max_length=n_before_answer + 1, too_long="cut").n_supervised.tolist() == [1]


def test_samples_a_cut_would_empty_are_counted_with_the_first_three_names(tmp_path):
    samples = [asked(f"q{n}", ("user", "where " * 20), ("assistant", "Left.")) for n in range(5)]
    samples.insert(1, asked("short", ("user", "?"), ("assistant", "Left.")))

    with pytest.raises(DataError, match=r"5 of 6 samples are too long \('q0-en', 'q1-en', 'q2-en' and 2 more\)"):
        tokens_of(samples, tmp_path, max_length=len(encoded(samples[1]).input_ids), too_long="cut")

    assert files_in(tmp_path) == []


# --- the file and its key ------------------------------------------------------------------------------------------


def test_the_same_samples_are_found_again_and_not_encoded_again(tmp_path, monkeypatch):
    first = tokens_of(tiny.mixed_samples(4), tmp_path)
    monkeypatch.setattr(tokenised, "_write", None)  # to encode again would be an error

    second = tokens_of(tiny.mixed_samples(4), tmp_path)

    assert (second.key, second.file, list(second)) == (first.key, first.file, list(first))
    assert files_in(tmp_path) == [f"tokens-{first.key}.arrow"]


def test_all_that_the_tokens_follow_from_is_in_the_key(tmp_path):
    sample = asked("a", ("user", "Where?", 1), ("assistant", "Left."), images=[PICTURE])
    others = [
        replace(sample, id="b"),
        replace(sample, language="ar"),
        asked("a", ("user", "Where?", 1), ("assistant", "left."), images=[PICTURE]),
        asked("a", ("system", "Where?", 1), ("assistant", "Left."), images=[PICTURE]),
        replace(sample, images=[tiny.colour_image(41)]),
    ]

    keys = {tokens_of(samples, tmp_path).key for samples in ([sample], *([one] for one in others), [sample, sample])}
    keys |= {tokens_of([sample], tmp_path, max_length=255).key, tokens_of([sample], tmp_path, too_long="cut").key}

    assert len(keys) == 9
    assert tokens_of([replace(sample, task="other", source="other", kind="")], tmp_path).key in keys


def test_another_template_another_vocabulary_or_other_code_is_another_key(tmp_path, monkeypatch):
    other = tiny.tiny_lmm()
    keys = {tokens_of([tiny.sample()], tmp_path).key}

    other.tokenizer.chat_template = other.tokenizer.chat_template.replace("\\n\\n", "\\n")
    keys.add(tokenise([tiny.sample()], other, max_length=256, too_long="error", folder=tmp_path, workers=0).key)
    renamed = tiny.tiny_lmm()
    renamed.tokenizer.add_tokens(["Yes"])
    keys.add(tokenise([tiny.sample()], renamed, max_length=256, too_long="error", folder=tmp_path, workers=0).key)
    monkeypatch.setattr(tokenised, "VERSION", 2)
    keys.add(tokens_of([tiny.sample()], tmp_path).key)
    monkeypatch.setattr(tokenised.inspect, "getsource", repr)  # as if encode were written otherwise
    keys.add(tokens_of([tiny.sample()], tmp_path).key)

    assert len(keys) == 5


def test_how_the_tokenizer_padded_last_is_no_part_of_the_key(tmp_path):
    before = tokens_of([tiny.sample()], tmp_path).key

    LMM.tokenizer(["a", "a b c"], padding=True, truncation=True, max_length=2)

    assert LMM.tokenizer.backend_tokenizer.padding is not None
    assert tokens_of([tiny.sample()], tmp_path).key == before


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_file_that_was_cut_is_made_anew(tmp_path, share):
    samples = tiny.mixed_samples(8)
    file = tokens_of(samples, tmp_path).file
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])

    with pytest.raises(DataError, match="no whole file of tokens"):
        Tokenised(file)

    assert list(tokens_of(samples, tmp_path)) == [encoded(one) for one in samples]
    assert file.read_bytes() == whole


def test_a_file_of_other_samples_under_this_name_is_made_anew(tmp_path):
    one, other = tokens_of(tiny.mixed_samples(2), tmp_path), tokens_of(tiny.mixed_samples(3), tmp_path)
    one.file.write_bytes(other.file.read_bytes())

    with pytest.raises(DataError, match=f"holds what has the key {other.key!r}"):
        Tokenised(one.file)

    assert len(tokens_of(tiny.mixed_samples(2), tmp_path)) == 2


KILLED = """
import os, signal, sys
from pathlib import Path
import tiny
from bimedix2_core.training import tokenised
encodings = tokenised.encodings
def one_chunk(*given, **options):
    yield next(encodings(*given, **options))
    os.kill(os.getpid(), signal.SIGKILL)
tokenised.CHUNK, tokenised.encodings = 2, one_chunk
tokenised.tokenise(tiny.mixed_samples(4), tiny.tiny_lmm(), max_length=256, too_long="error", folder=Path(sys.argv[1]),
                   workers=0)
"""


def test_a_process_killed_while_it_writes_leaves_no_half_file_and_no_lock(tmp_path):
    environment = os.environ | {"PYTHONPATH": str(root() / "tests")}
    samples = tiny.mixed_samples(4)

    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environment, check=False)

    assert done.returncode == -signal.SIGKILL
    (draft,) = files_in(tmp_path)
    assert draft.endswith(".arrow.draft")
    found = tokens_of(samples, tmp_path)
    assert draft == f".{found.file.name}.draft"  # the same samples, so the draft was written over
    assert files_in(tmp_path) == [found.file.name]
    assert list(found) == [encoded(one) for one in samples]


def test_an_error_under_way_leaves_nothing(tmp_path):
    forged = tiny.sample(name="forged", question="<|eot_id|>", n_images=0)

    with pytest.raises(DataError, match=r"sample forged-en, turn 0: the text holds the reserved token"):
        tokens_of([tiny.sample(), forged], tmp_path)

    assert files_in(tmp_path) == []


# --- workers -------------------------------------------------------------------------------------------------------


def test_two_workers_make_the_very_file_that_none_make(tmp_path, monkeypatch):
    monkeypatch.setattr(tokenised, "CHUNK", 4)
    (tmp_path / "a.png").write_text("no picture: a worker that opened it would fail")
    samples = [*tiny.mixed_samples(30), replace(tiny.sample(name="f"), images=ImageFiles((tmp_path / "a.png",)))]

    alone, helped = tokens_of(samples, tmp_path / "0"), tokens_of(samples, tmp_path / "2", workers=2)

    assert helped.key == alone.key
    assert helped.file.read_bytes() == alone.file.read_bytes()
    assert helped[30] == encoded(samples[30])


def test_an_error_in_a_worker_names_the_sample_as_without(tmp_path):
    wrong = replace(tiny.sample(name="wrong", n_images=1), images=[])

    with pytest.raises(DataError, match="sample wrong-en: 1 image parts in its messages but 0 images"):
        tokens_of([tiny.sample(), wrong], tmp_path, workers=1)


def test_of_two_that_ask_at_once_one_encodes_and_the_other_waits_and_finds_the_file(tmp_path, monkeypatch):
    write, begun, may_end = tokenised._write, threading.Event(), threading.Event()

    def slowly(*given, **options):
        begun.set()
        assert may_end.wait(timeout=20)
        write(*given, **options)

    monkeypatch.setattr(tokenised, "_write", slowly)
    with ThreadPoolExecutor(2) as pool:  # a lock is held by an open file, so two threads are as two processes
        first = pool.submit(tokens_of, [tiny.sample()], tmp_path)
        assert begun.wait(timeout=20)
        begun.clear()
        second = pool.submit(tokens_of, [tiny.sample()], tmp_path)
        with pytest.raises(TimeoutError):
            second.result(timeout=0.3)
        may_end.set()

        assert list(second.result(timeout=20)) == list(first.result(timeout=20))
    assert not begun.is_set()  # written once
