"""The official client of the OpenAI interface against the daemon: openai_client.py BASE_URL TOKEN."""

import asyncio
import math
import sys

import openai

from checks import Checks

base_url, token = sys.argv[1:3]
checks = Checks()
MODEL = "azr-tiny"
PROMPT = "def f(a):\n    return a + 1\n"


def refused(what, kind, ask):
    try:
        ask()
    except kind as error:
        checks.that(what, True)
        return error
    except openai.OpenAIError as error:
        checks.that(what, False, error)
    else:
        checks.that(what, False, "it was answered")


def texts(client):
    ask = {"model": MODEL, "prompt": [PROMPT, "f(2)"], "n": 2, "max_tokens": 8, "seed": 7, "logprobs": 3}
    answer = client.completions.create(**ask)
    choices = answer.choices
    checks.that("prompts times n choices, in order", [choice.index for choice in choices] == [0, 1, 2, 3], answer)
    checks.that("usage adds up", answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens, answer.usage)
    checks.that("the same seed gives the same", client.completions.create(**ask).choices == choices)
    for choice in choices:
        told = choice.logprobs
        sizes = {len(told.tokens), len(told.token_logprobs), len(told.top_logprobs), len(told.text_offset)}
        checks.that("a figure for every token", len(sizes) == 1 and len(told.tokens) <= 8, told)
        checks.that("log-probabilities are of probabilities", all(value <= 0 and math.isfinite(value) for value in told.token_logprobs))
        checks.that("offsets grow within the text", told.text_offset == sorted(told.text_offset) and max(told.text_offset, default=0) <= len(choice.text) + 8, told)
        checks.that("alternatives are at most three and the token or better", all(0 < len(top) <= 4 for top in told.top_logprobs), told)
    ask = {"model": MODEL, "prompt": PROMPT, "max_tokens": 12, "seed": 1, "temperature": 0}
    whole = client.completions.create(**ask).choices[0]
    pieces = list(client.completions.create(**ask, stream=True, stream_options={"include_usage": True}))
    checks.that("a stream gives the whole text", "".join(piece.choices[0].text for piece in pieces if piece.choices) == whole.text)
    checks.that("its last piece has the usage", pieces[-1].usage is not None and not pieces[-1].choices, pieces[-1])
    checks.that("one piece says why it ended", [piece.choices[0].finish_reason for piece in pieces if piece.choices and piece.choices[0].finish_reason] == [whole.finish_reason])
    if len(whole.text) > 3:
        stop = whole.text[2:4]
        cut = client.completions.create(**ask, stop=stop).choices[0]
        checks.that("a stop text ends it and is left out", cut.text == whole.text.split(stop)[0] and cut.finish_reason == "stop", cut)


def chats(client):
    ask = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], "max_tokens": 10, "seed": 3}
    whole = client.chat.completions.create(**ask, logprobs=True, top_logprobs=2)
    message = whole.choices[0].message
    checks.that("a chat is answered by the assistant", message.role == "assistant" and isinstance(message.content, str), whole)
    told = whole.choices[0].logprobs.content
    checks.that("its tokens have alternatives", 0 < len(told) <= 10 and all(len(one.top_logprobs) == 2 for one in told), told)
    pieces = client.chat.completions.create(**ask, stream=True)
    checks.that("a streamed chat is the same", "".join(piece.choices[0].delta.content or "" for piece in pieces) == message.content)
    parts = [{"role": "user", "content": [{"type": "text", "text": PROMPT}]}]
    checks.that("parts of text are text", client.chat.completions.create(**{**ask, "messages": parts}).choices[0].message.content == message.content)


async def together():
    client = openai.AsyncOpenAI(base_url=base_url, api_key=token, max_retries=0)
    ask = {"model": MODEL, "prompt": PROMPT, "max_tokens": 8}
    alone = [(await client.completions.create(**ask, seed=seed)).choices[0].text for seed in range(12)]
    company = await asyncio.gather(*(client.completions.create(**ask, seed=seed) for seed in range(12)))
    checks.that("company changes no answer", [answer.choices[0].text for answer in company] == alone)
    stream = await client.completions.create(model=MODEL, prompt=PROMPT, max_tokens=400, seed=0, stream=True)
    async for _ in stream:
        await stream.close()
        break
    checks.that("a client that goes away leaves the others alone", (await client.completions.create(**ask, seed=0)).choices[0].text == alone[0])


def refusals(client):
    for wrong in ["wrong", token[:-1], token + "0"]:
        other = openai.OpenAI(base_url=base_url, api_key=wrong, max_retries=0)
        refused("a wrong token", openai.AuthenticationError, other.models.list)
    error = refused("an unknown model", openai.NotFoundError, lambda: client.completions.create(model="other", prompt="a"))
    checks.that("the error names the model that is there", error is not None and MODEL in str(error), error)
    for fields in [{"echo": True}, {"n": 0}, {"temperature": 3}, {"best_of": 4}, {"logit_bias": {"1": 5}}, {"max_tokens": 0}, {"suffix": "x"}]:
        refused(f"what cannot be done: {fields}", openai.BadRequestError, lambda: client.completions.create(model=MODEL, prompt="a", **fields))
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    refused("tools", openai.BadRequestError, lambda: client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": "a"}], tools=tools))
    refused("a role that is not known", openai.BadRequestError, lambda: client.chat.completions.create(model=MODEL, messages=[{"role": "tool", "content": "a", "tool_call_id": "1"}]))
    full = client.completions.create(model=MODEL, prompt="a b c " * 4000)
    checks.that("a prompt longer than the context leaves no room, and says so", full.choices[0].text == "" and full.choices[0].finish_reason == "length", full)


try:
    client = openai.OpenAI(base_url=base_url, api_key=token, max_retries=0)
    checks.that("the model is listed", [model.id for model in client.models.list()] == [MODEL])
    texts(client)
    chats(client)
    asyncio.run(together())
    refusals(client)
except Exception:
    checks.crashed()
checks.end()
