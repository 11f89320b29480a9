import asyncio
from contextlib import closing

import pytest

from bimedix2_core.demo.tiny_base import BASE_FOLDER, load_base
from bimedix2_core.endpoint import Endpoint, RequestCache
from bimedix2_core.errors import EndpointError
from bimedix2_core.inference.generate import generate
from bimedix2_core.inference.serving import serving
from bimedix2_core.params import InferenceParams
from bimedix2_core.records import Sample, message

PROMPTS = ("Translate to Arabic: A brain MRI scan showing no abnormality.", "Translate to English: يوجد ورم صغير.")


def request(prompt: str) -> dict:
    return {"messages": [{"role": "user", "content": prompt}], "max_tokens": 40, "temperature": 0.0}


def test_the_served_model_says_what_the_loaded_one_says(tmp_path):
    async def ask(url, cache):
        async with Endpoint(url, str(BASE_FOLDER), cache) as endpoint:
            return await asyncio.gather(*(endpoint.ask(request(prompt)) for prompt in PROMPTS))

    with serving(BASE_FOLDER, threads=1) as url, closing(RequestCache(tmp_path / "cache.sqlite3")) as cache:
        replies = asyncio.run(ask(url, cache))

    samples = [Sample("0", "", "", "", [message("user", prompt), message("assistant", "")]) for prompt in PROMPTS]
    settings = InferenceParams(batch_size=1, max_new_tokens=40, temperature=0.0, top_p=1.0)
    assert [reply.text.strip() for reply in replies] == generate(load_base(), samples, settings=settings)
    assert all(reply.completion_tokens > 3 for reply in replies)


def test_a_server_without_a_model_says_why_it_did_not_come_up(tmp_path):
    with pytest.raises(EndpointError, match="ended with status 1"), serving(tmp_path):
        pass
