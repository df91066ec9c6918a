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


# One that thinks.
THINKER = "claude-haiku-4-5"
THINKING = {"type": "enabled", "budget_tokens": 1024}
PIXEL = {
    "type": "image",
    "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
}
ELSEWHERE = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}


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


def a_picture_is_shown(client):
    without = client.messages.create(model=THINKER, max_tokens=50, messages=said("Look"))
    content = [{"type": "text", "text": "Look"}, PIXEL, ELSEWHERE]
    shown = [{"role": "user", "content": content}]
    answer = client.messages.create(model=THINKER, max_tokens=50, messages=shown)
    assert answer.usage.input_tokens > without.usage.input_tokens, (answer, without)


def a_thought_is_told_and_told_back(client):
    asked = said(STEERED)
    answer = client.messages.create(
        model=THINKER, max_tokens=2000, messages=asked, thinking=THINKING, tools=[TOOL]
    )
    thought, call = answer.content
    assert thought.type == "thinking" and thought.thinking and thought.signature, answer
    assert call.type == "tool_use" and answer.stop_reason == "tool_use", answer
    assert answer.usage.output_tokens_details.thinking_tokens > 0, answer
    result = {
        "type": "tool_result",
        "tool_use_id": call.id,
        "is_error": True,
        "content": [{"type": "text", "text": "No such city"}, PIXEL],
    }
    going_on = [
        *asked,
        {"role": "assistant", "content": answer.content},
        {"role": "user", "content": [result]},
    ]
    answer = client.messages.create(
        model=THINKER, max_tokens=2000, messages=going_on, thinking=THINKING, tools=[TOOL]
    )
    assert [block.type for block in answer.content] == ["thinking", "text"], answer


def a_thought_is_streamed_with_its_proof(client):
    asked = {"model": THINKER, "max_tokens": 2000, "messages": said("hello"), "thinking": THINKING}
    whole = client.messages.create(**asked)
    with client.messages.stream(**asked) as stream:
        kinds = [event.type for event in stream]
        answer = stream.get_final_message()
    assert answer.content[0] == whole.content[0], (answer, whole)
    assert answer.content[1].text == whole.content[1].text, (answer, whole)
    assert kinds.index("thinking") < kinds.index("signature") < kinds.index("text"), kinds
    assert answer.usage.output_tokens == whole.usage.output_tokens, answer


def a_secret_thought_is_told_back(client):
    secret = "ANTHROPIC_MAGIC_STRING_TRIGGER_REDACTED_THINKING_46C9A13E193C177646C7398A98432ECC"
    asked = {"model": THINKER, "max_tokens": 2000, "thinking": THINKING}
    answer = client.messages.create(**asked, messages=said(secret))
    assert answer.content[0].type == "redacted_thinking" and answer.content[0].data, answer
    going_on = [*said(secret), {"role": "assistant", "content": answer.content}, *said("And?")]
    assert client.messages.create(**asked, messages=going_on).content[1].text, answer


def what_is_marked_is_read_from_the_cache_the_next_time(client):
    system = [{"type": "text", "text": "Be very brief.", "cache_control": {"type": "ephemeral"}}]
    asked = {"model": THINKER, "max_tokens": 50, "system": system, "messages": said("hello")}
    first = client.messages.create(**asked).usage
    second = client.messages.create(**asked).usage
    kept = first.cache_creation_input_tokens
    assert kept > 0 and first.cache_read_input_tokens == 0, first
    assert (second.cache_creation_input_tokens, second.cache_read_input_tokens) == (0, kept), second


def tokens_are_counted_beforehand(client, model):
    asked = {"model": model, "system": "Be brief.", "messages": said("How many are these?")}
    counted = client.messages.count_tokens(**asked)
    answer = client.messages.create(max_tokens=50, **asked)
    assert counted.input_tokens == answer.usage.input_tokens, (counted, answer)


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


def a_failing_provider_is_an_internal_server_error(client):
    # Asked once: a provider that goes on failing is left alone for a while, and that is told otherwise.
    once = client.with_options(max_retries=0)

    def ask():
        once.messages.create(
            model=MODELS[0], max_tokens=1, messages=said("[[sandbox: status=500]]")
        )

    raised = raises(anthropic.InternalServerError, ask)
    assert raised.status_code == 502, raised


def main():
    checks = []
    with platform(sys.argv[1]) as address:
        for model in MODELS:
            client = customer(address, model.replace(".", "-"))
            counter = customer(address, f"counter-{model.replace('.', '-')}")
            checks += [
                (tokens_are_counted_beforehand, (counter, model)),
                (a_message_is_answered, (client, model)),
                (a_message_is_cut_at_its_length, (client, model)),
                (a_message_is_streamed_with_usage, (client, model)),
                (a_tool_is_called_and_its_result_is_taken, (client, model)),
                (a_tool_call_is_streamed, (client, model)),
            ]
        first, thinker = customer(address, "first"), customer(address, "thinker")
        seer = customer(address, "seer")
        checks += [
            (a_wrong_key_is_an_authentication_error, (address,)),
            (nonsense_is_a_bad_request_error, (first,)),
            (an_unknown_model_is_a_not_found_error, (first,)),
            (a_failing_provider_is_an_internal_server_error, (first,)),
            (a_thought_is_told_and_told_back, (thinker,)),
            (a_thought_is_streamed_with_its_proof, (thinker,)),
            (a_secret_thought_is_told_back, (thinker,)),
            (a_picture_is_shown, (seer,)),
            (what_is_marked_is_read_from_the_cache_the_next_time, (seer,)),
        ]
        for check, arguments in checks:
            check(*arguments)
            model = next((a for a in arguments if a in MODELS), "")
            print(f"anthropic {anthropic.__version__}: {check.__name__}", model, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
