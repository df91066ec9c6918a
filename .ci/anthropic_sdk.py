#!/usr/bin/env python3
"""What Anthropic's own SDK makes of the platform, with only base_url and api_key set.

    .ci/anthropic_sdk.py target/debug/cape-api

Starts the program in a directory of its own, on a free port, with emulated providers. Needs the
packages `anthropic` and `openai`, and nothing else beside the standard library.
"""

import sys

import anthropic
from anthropic import Anthropic

from openai_sdk import MODELS, STEERED, WEATHER, key_of, platform, raises, said

TOOL = {
    "name": WEATHER["function"]["name"],
    "description": WEATHER["function"]["description"],
    "input_schema": WEATHER["function"]["parameters"],
}


def customer(address, name):
    return Anthropic(base_url=address, api_key=key_of(address, name))


def a_message_is_answered(client, model):
    answer = client.messages.create(
        model=model, max_tokens=100, system="Be brief.", messages=said("hello")
    )
    assert answer.type == "message" and answer.role == "assistant", answer
    assert answer.content[0].text and answer.stop_reason == "end_turn", answer
    assert answer.usage.output_tokens == 20 and answer.usage.input_tokens > 0, answer
    assert answer.model == model, answer


def a_message_is_cut_at_its_length(client, model):
    answer = client.messages.create(model=model, max_tokens=5, messages=said("hello"))
    assert answer.stop_reason == "max_tokens" and answer.usage.output_tokens == 5, answer


def a_message_is_streamed_with_usage(client, model):
    whole = client.messages.create(model=model, max_tokens=100, messages=said("hello"))
    with client.messages.stream(model=model, max_tokens=100, messages=said("hello")) as stream:
        text = "".join(stream.text_stream)
        answer = stream.get_final_message()
    assert text == answer.content[0].text == whole.content[0].text, (text, whole)
    assert answer.stop_reason == "end_turn", answer
    assert answer.usage.output_tokens == whole.usage.output_tokens, answer


def a_tool_is_called_and_its_result_is_taken(client, model):
    asked = said(STEERED)
    answer = client.messages.create(
        model=model, max_tokens=100, messages=asked, tools=[TOOL], tool_choice={"type": "any"}
    )
    assert answer.stop_reason == "tool_use", answer
    (call,) = [block for block in answer.content if block.type == "tool_use"]
    assert call.name == "get_weather" and "city" in call.input, call
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny"}
    going_on = [
        *asked,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result]},
    ]
    answer = client.messages.create(
        model=model,
        max_tokens=100,
        messages=going_on,
        tools=[TOOL],
        tool_choice={"type": "none"},
    )
    assert answer.content[0].text, answer


def a_tool_call_is_streamed(client, model):
    with client.messages.stream(
        model=model,
        max_tokens=100,
        messages=said(STEERED),
        tools=[TOOL],
        tool_choice={"type": "any"},
    ) as stream:
        answer = stream.get_final_message()
    (call,) = [block for block in answer.content if block.type == "tool_use"]
    assert call.name == "get_weather" and "city" in call.input, call


def a_wrong_key_is_an_authentication_error(address):
    stranger = Anthropic(base_url=address, api_key="cape_sk_nobody")
    raised = raises(
        anthropic.AuthenticationError,
        lambda: stranger.messages.create(model=MODELS[0], max_tokens=1, messages=said("hi")),
    )
    assert raised.status_code == 401, raised


def nonsense_is_a_bad_request_error(client):
    def ask():
        client.messages.create(
            model=MODELS[0], max_tokens=1, messages=said("hi"), extra_body={"top_k": 5}
        )

    raised = raises(anthropic.BadRequestError, ask)
    assert "top_k" in raised.body["error"]["message"], raised.body


def an_unknown_model_is_a_not_found_error(client):
    def ask():
        client.messages.create(model="claude-0", max_tokens=1, messages=said("hi"))

    raised = raises(anthropic.NotFoundError, ask)
    assert raised.body["error"]["type"] == "not_found_error", raised.body


def a_busy_provider_is_asked_again(client):
    def ask():
        client.messages.create(
            model=MODELS[0], max_tokens=1, messages=said("[[sandbox: status=500]]")
        )

    raised = raises(anthropic.InternalServerError, ask)
    assert raised.status_code == 502, raised


def main():
    checks = []
    with platform(sys.argv[1]) as address:
        for model in MODELS:
            client = customer(address, model.replace(".", "-"))
            checks += [
                (a_message_is_answered, (client, model)),
                (a_message_is_cut_at_its_length, (client, model)),
                (a_message_is_streamed_with_usage, (client, model)),
                (a_tool_is_called_and_its_result_is_taken, (client, model)),
                (a_tool_call_is_streamed, (client, model)),
            ]
        first = customer(address, "first")
        checks += [
            (a_wrong_key_is_an_authentication_error, (address,)),
            (nonsense_is_a_bad_request_error, (first,)),
            (an_unknown_model_is_a_not_found_error, (first,)),
            (a_busy_provider_is_asked_again, (first,)),
        ]
        for check, arguments in checks:
            check(*arguments)
            model = next((a for a in arguments if a in MODELS), "")
            print(f"anthropic {anthropic.__version__}: {check.__name__}", model, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
