#!/usr/bin/env python3
"""What OpenAI's own SDK makes of the platform, with only base_url and api_key set.

    .ci/openai_sdk.py target/debug/cape-api

Starts the program in a directory of its own, on a free port, with emulated providers. Needs the
package `openai` and nothing else beside the standard library.
"""

import contextlib
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import urllib.request

import openai
from openai import OpenAI

PATIENCE = 60
STEERED = "How is the weather in Cape Town?"
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
        },
    },
}
# The same, as responses have it.
FLAT_WEATHER = {"type": "function", "strict": None, **WEATHER["function"]}
PIXEL = "data:image/png;base64,iVBORw0KGgo="
SEEING = "gpt-4.1-mini"
# One of each provider: what the caller sees is the same.
MODELS = ["gpt-4o-mini", "claude-3-haiku", "gemini-1.5-flash"]
# Of those who have models for vectors.
VECTORS = ["text-embedding-3-small", "gemini-embedding-001"]


@contextlib.contextmanager
def platform(binary):
    """The address of a platform that runs until the block ends."""
    with tempfile.TemporaryDirectory() as directory:
        log = pathlib.Path(directory, "log")
        with log.open("w") as errors:
            process = subprocess.Popen(
                [binary],
                cwd=directory,
                # Failures that are asked for keep nobody from being asked again.
                env={"PORT": "0", "CAPE_USAGE__CIRCUIT_FAILURES": "0"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        try:
            for line in process.stdout:
                name, _, address = line.strip().partition(" ")
                if name == "address":
                    break
            else:
                sys.exit(f"the program ended before it was ready: {log.read_text()}")
            yield address.strip()
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, f"it ended with {process.returncode}"
        finally:
            process.kill()
            process.wait()


def post(address, path, body, token=None):
    request = urllib.request.Request(
        address + path,
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json"},
    )
    if token:
        request.add_header("authorization", f"Bearer {token}")
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def key_of(address, name):
    """The key of somebody new: what one does counts towards nobody else's limits."""
    who = {"email": f"{name}@example.com", "password": "correct horse battery"}
    post(address, "/api/auth/register", who)
    token = post(address, "/api/auth/login", who)["access_token"]
    return post(address, "/api/keys", {"name": name}, token)["key"]


def customer(address, name):
    return OpenAI(base_url=f"{address}/v1", api_key=key_of(address, name))


def said(text):
    return [{"role": "user", "content": text}]


def raises(error, call):
    try:
        call()
    except error as raised:
        assert type(raised) is error, raised
        return raised
    raise AssertionError(f"it did not raise {error.__name__}")


def models_are_listed(client):
    listed = {model.id for model in client.models.list()}
    assert listed >= set(MODELS), listed
    assert client.models.retrieve(MODELS[0]).id == MODELS[0]
    raised = raises(openai.NotFoundError, lambda: client.models.retrieve("gpt-0"))
    assert raised.code == "model_not_found", raised


def a_chat_is_answered(client, model):
    answer = client.chat.completions.create(model=model, messages=said("hello"))
    assert answer.choices[0].message.content, answer
    assert answer.choices[0].finish_reason == "stop", answer
    assert answer.usage.completion_tokens == 20, answer
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 20, answer


def a_chat_is_streamed_with_usage(client, model):
    stream = client.chat.completions.create(
        model=model,
        messages=said("hello"),
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    text = [c.choices[0].delta.content for c in chunks if c.choices]
    assert len([piece for piece in text if piece]) == 20, text
    assert chunks[-1].usage.completion_tokens == 20, chunks[-1]
    assert chunks[-2].choices[0].finish_reason == "stop", chunks[-2]
    assert all(chunk.usage is None for chunk in chunks[:-1])


def a_function_is_called(client, model):
    question = said(STEERED)
    answer = client.chat.completions.create(
        model=model, messages=question, tools=[WEATHER], tool_choice="required"
    )
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls", answer
    (call,) = message.tool_calls
    assert call.function.name == "get_weather", call
    assert "city" in json.loads(call.function.arguments), call
    told = {"role": "tool", "tool_call_id": call.id, "content": '{"degrees": 21}'}
    # The conversation goes on with the SDK's own message, as its documentation shows.
    answer = client.chat.completions.create(
        model=model, messages=[*question, message, told], tools=[WEATHER]
    )
    assert answer.choices[0].message.role == "assistant", answer


def a_function_call_is_streamed(client, model):
    # The SDK's helper puts the pieces together.
    with client.chat.completions.stream(
        model=model, messages=said(STEERED), tools=[WEATHER], tool_choice="required"
    ) as stream:
        for _ in stream:
            pass
        answer = stream.get_final_completion()
    assert answer.choices[0].finish_reason == "tool_calls", answer
    (call,) = answer.choices[0].message.tool_calls
    assert call.function.name == "get_weather", call
    assert "city" in json.loads(call.function.arguments), call


def an_image_is_shown(client):
    image = {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}
    content = [{"type": "text", "text": "Look"}, image]
    answer = client.chat.completions.create(
        model=SEEING, messages=[{"role": "user", "content": content}]
    )
    assert answer.usage.prompt_tokens > 85, answer
    raised = raises(
        openai.BadRequestError,
        lambda: client.chat.completions.create(
            model=SEEING,
            messages=[{"role": "user", "content": [{**image, "image_url": {"url": "x"}}]}],
        ),
    )
    assert raised.param == "messages[0].content[0].image_url.url", raised


def several_answers_come_at_once(client):
    answer = client.chat.completions.create(
        model=MODELS[0], messages=said("hello"), n=2, max_tokens=5
    )
    assert [choice.index for choice in answer.choices] == [0, 1], answer
    assert all(choice.finish_reason == "length" for choice in answer.choices), answer
    assert answer.usage.completion_tokens == 10, answer
    streamed = ["", ""]
    for chunk in client.chat.completions.create(
        model=MODELS[0], messages=said("hello"), n=2, max_tokens=5, stream=True
    ):
        for choice in chunk.choices:
            streamed[choice.index] += choice.delta.content or ""
    assert streamed == [choice.message.content for choice in answer.choices], streamed


def probabilities_are_told(client):
    answer = client.chat.completions.create(
        model=MODELS[0], messages=said("hello"), logprobs=True, top_logprobs=2
    )
    choice = answer.choices[0]
    assert "".join(t.token for t in choice.logprobs.content) == choice.message.content, answer
    assert all(len(t.top_logprobs) == 2 for t in choice.logprobs.content), answer
    with client.chat.completions.stream(
        model=MODELS[0], messages=said("hello"), logprobs=True, top_logprobs=2
    ) as stream:
        for _ in stream:
            pass
        streamed = stream.get_final_completion()
    assert streamed.choices[0].logprobs.content == choice.logprobs.content, streamed


def a_response_is_given(client, model):
    answer = client.responses.create(model=model, input="hello", instructions="Be brief.")
    assert answer.status == "completed" and answer.output_text, answer
    assert answer.usage.output_tokens == 20, answer
    assert answer.usage.total_tokens == answer.usage.input_tokens + 20, answer


def a_response_is_streamed(client, model):
    text, ended = "", []
    for event in client.responses.create(model=model, input="hello", stream=True):
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type == "response.completed":
            ended.append(event.response)
    (answer,) = ended
    assert text and answer.output_text == text, answer
    assert answer.usage.output_tokens == 20, answer
    # The SDK's helper puts the pieces together.
    with client.responses.stream(model=model, input="hello") as stream:
        for _ in stream:
            pass
        assert stream.get_final_response().output_text == text


def a_response_calls_a_function(client, model):
    question = [{"role": "user", "content": STEERED}]
    answer = client.responses.create(
        model=model, input=question, tools=[FLAT_WEATHER], tool_choice="required"
    )
    (call,) = [item for item in answer.output if item.type == "function_call"]
    assert call.name == "get_weather" and "city" in json.loads(call.arguments), call
    told = {"type": "function_call_output", "call_id": call.call_id, "output": "21 degrees"}
    # The conversation goes on with the SDK's own items, as its documentation shows.
    going_on = client.responses.create(
        model=model, input=[*question, *answer.output, told], tools=[FLAT_WEATHER]
    )
    assert going_on.status == "completed", going_on
    with client.responses.stream(
        model=model, input=question, tools=[FLAT_WEATHER], tool_choice="required"
    ) as stream:
        for _ in stream:
            pass
        streamed = stream.get_final_response()
    (again,) = [item for item in streamed.output if item.type == "function_call"]
    assert json.loads(again.arguments) == json.loads(call.arguments), again


def a_response_is_not_kept(client):
    raised = raises(
        openai.BadRequestError,
        lambda: client.responses.create(model=MODELS[0], input="hello", store=True),
    )
    assert (raised.code, raised.param) == ("unsupported_parameter", "store"), raised


def a_wrong_key_is_an_authentication_error(address):
    stranger = OpenAI(base_url=f"{address}/v1", api_key="cape_sk_nobody")
    raised = raises(openai.AuthenticationError, stranger.models.list)
    assert raised.status_code == 401 and raised.request_id, raised


def nonsense_is_a_bad_request_error(client):
    def ask():
        client.chat.completions.create(model=MODELS[0], messages=said("hi"), max_tokens=-1)

    raised = raises(openai.BadRequestError, ask)
    assert raised.type == "invalid_request_error", raised


def an_unknown_model_is_a_not_found_error(client):
    def ask():
        client.chat.completions.create(model="gpt-0", messages=said("hi"))

    raised = raises(openai.NotFoundError, ask)
    assert raised.code == "model_not_found", raised


def the_eleventh_call_of_a_minute_is_a_rate_limit_error(client):
    # Without this the SDK waits as long as it is told to, which may be a minute.
    client = client.with_options(max_retries=0)

    def ask():
        client.chat.completions.create(model=MODELS[0], messages=said("hi"), max_tokens=1)

    for _ in range(10):
        ask()
    raised = raises(openai.RateLimitError, ask)
    assert int(raised.response.headers["retry-after"]) > 0, raised.response.headers


def texts_become_vectors(client, model):
    # Without a format the SDK asks for base64, and decodes it.
    texts = ["hello there", "goodbye"]
    usual = client.embeddings.create(model=model, input=texts)
    lists = client.embeddings.create(model=model, input=texts, encoding_format="float")
    assert [one.index for one in usual.data] == [0, 1], usual
    for one, same in zip(usual.data, lists.data):
        assert len(one.embedding) == len(same.embedding) > 1000, len(one.embedding)
        assert all(abs(a - b) < 1e-6 for a, b in zip(one.embedding, same.embedding))
    assert usual.usage.prompt_tokens == usual.usage.total_tokens == 3, usual.usage
    short = client.embeddings.create(model=model, input="hello", dimensions=8)
    assert len(short.data[0].embedding) == 8, short


def texts_and_images_are_judged(client):
    judged = client.moderations.create(input=["what violence", "hello"])
    assert [one.flagged for one in judged.results] == [True, False], judged
    assert judged.model == "omni-moderation-latest", judged
    assert judged.results[0].categories.violence is True, judged
    assert judged.results[0].category_scores.violence > 0.5, judged
    parts = [
        {"type": "text", "text": "hello"},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]
    seen = client.moderations.create(model="omni-moderation-latest", input=parts)
    types = seen.results[0].category_applied_input_types
    assert (types.violence, types.hate) == (["text", "image"], ["text"]), seen


def vectors_of_a_model_that_answers_are_a_bad_request_error(client):
    def ask():
        client.embeddings.create(model=MODELS[0], input="hi")

    raised = raises(openai.BadRequestError, ask)
    assert raised.code == "model_wrong_kind", raised


def a_busy_provider_is_asked_again(client):
    # Of a failure that passes, the SDK makes nothing that the program sees but this, in the end.
    steered = said("[[sandbox: status=500]]")

    def ask():
        client.chat.completions.create(model=MODELS[0], messages=steered)

    raised = raises(openai.InternalServerError, ask)
    assert raised.status_code == 502, raised


def main():
    checks = []
    with platform(sys.argv[1]) as address:
        first = customer(address, "lists")
        checks.append((models_are_listed, (first,)))
        for model in MODELS:
            client = customer(address, model.replace(".", "-"))
            checks += [
                (a_chat_is_answered, (client, model)),
                (a_chat_is_streamed_with_usage, (client, model)),
                (a_function_is_called, (client, model)),
                (a_function_call_is_streamed, (client, model)),
            ]
            client = customer(address, "responses-" + model.replace(".", "-"))
            checks += [
                (a_response_is_given, (client, model)),
                (a_response_is_streamed, (client, model)),
                (a_response_calls_a_function, (client, model)),
            ]
        more, vectors = customer(address, "more"), customer(address, "vectors")
        checks += [
            (an_image_is_shown, (more,)),
            (several_answers_come_at_once, (more,)),
            (probabilities_are_told, (more,)),
            (a_response_is_not_kept, (more,)),
            *((texts_become_vectors, (vectors, model)) for model in VECTORS),
            (vectors_of_a_model_that_answers_are_a_bad_request_error, (vectors,)),
            (texts_and_images_are_judged, (vectors,)),
            (a_wrong_key_is_an_authentication_error, (address,)),
            (nonsense_is_a_bad_request_error, (first,)),
            (an_unknown_model_is_a_not_found_error, (first,)),
            (a_busy_provider_is_asked_again, (first,)),
            (the_eleventh_call_of_a_minute_is_a_rate_limit_error, (customer(address, "busy"),)),
        ]
        for check, arguments in checks:
            check(*arguments)
            model = next((a for a in arguments if a in MODELS + VECTORS), "")
            print(f"openai {openai.__version__}: {check.__name__}", model, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
