#!/usr/bin/env python3
"""What Google's own SDK makes of the platform, with only base_url and api_key set.

    .ci/google_sdk.py target/debug/cape-api

Starts the program in a directory of its own, on a free port, with emulated providers. Needs the
packages `google-genai` and `openai` (and `pydantic`, which both need), and nothing else beside the
standard library.
"""

import base64
import sys

import pydantic
from google import genai
from google.genai import errors, types
from google.genai.version import __version__

from openai_sdk import MODELS, STEERED, WEATHER, key_of, platform, raises

THINKERS = ["gemini-2.5-flash", "claude-haiku-4-5"]
# The smallest PNG that is one.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def customer(address, name, **options):
    options = types.HttpOptions(base_url=address, **options)
    return genai.Client(api_key=key_of(address, name), http_options=options)


def config(**wishes):
    # What the SDK would do by itself is done here step by step.
    alone = types.AutomaticFunctionCallingConfig(disable=True)
    return types.GenerateContentConfig(
        **{"max_output_tokens": 100, "automatic_function_calling": alone, **wishes}
    )


def tools(**wishes):
    declared = types.FunctionDeclaration(
        name=WEATHER["function"]["name"],
        description=WEATHER["function"]["description"],
        parameters=types.Schema(
            type="OBJECT",
            properties={"city": types.Schema(type="STRING", min_length=1)},
            required=["city"],
        ),
    )
    mode = types.FunctionCallingConfig(mode="ANY", allowed_function_names=["get_weather"])
    return config(
        tools=[types.Tool(function_declarations=[declared])],
        tool_config=types.ToolConfig(function_calling_config=mode),
        **wishes,
    )


def content_is_generated(client, model):
    wishes = config(system_instruction="Be brief.", temperature=0.5, top_p=0.9)
    answer = client.models.generate_content(model=model, contents="hello", config=wishes)
    assert answer.text and answer.model_version == model, answer
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP, answer
    usage = answer.usage_metadata
    assert usage.candidates_token_count == 20 and usage.prompt_token_count > 0, usage
    assert usage.total_token_count == 20 + usage.prompt_token_count, usage


def content_is_cut_at_its_length(client, model):
    answer = client.models.generate_content(
        model=model, contents="hello", config=config(max_output_tokens=5)
    )
    assert answer.candidates[0].finish_reason == types.FinishReason.MAX_TOKENS, answer
    assert answer.usage_metadata.candidates_token_count == 5, answer


def content_is_streamed_with_usage(client, model):
    whole = client.models.generate_content(model=model, contents="hello", config=config())
    chunks = list(
        client.models.generate_content_stream(model=model, contents="hello", config=config())
    )
    text = "".join(chunk.text or "" for chunk in chunks)
    assert len(chunks) > 2 and text == whole.text, (text, whole.text)
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP, chunks[-1]
    used, usual = chunks[-1].usage_metadata, whole.usage_metadata
    assert used.total_token_count == usual.total_token_count, (used, usual)


def a_chat_goes_on(client, model):
    chat = client.chats.create(model=model, config=config())
    first = chat.send_message("hello")
    second = "".join(chunk.text or "" for chunk in chat.send_message_stream("and you?"))
    assert first.text and "and you?" in second, (first, second)
    history = chat.get_history(curated=True)
    assert [turn.role for turn in history[:3]] == ["user", "model", "user"], history


def a_function_is_called_and_its_answer_is_taken(client, model):
    answer = client.models.generate_content(model=model, contents=STEERED, config=tools())
    (call,) = answer.function_calls
    assert call.name == "get_weather" and "city" in call.args, call
    streamed = client.models.generate_content_stream(
        model=model, contents=STEERED, config=tools()
    )
    (again,) = [call for chunk in streamed for call in chunk.function_calls or []]
    assert (again.name, again.args) == (call.name, call.args), again
    result = types.Part.from_function_response(name=call.name, response={"result": "Sunny"})
    going_on = [
        types.Content(role="user", parts=[types.Part(text=STEERED)]),
        answer.candidates[0].content,
        types.Content(role="user", parts=[result]),
    ]
    wishes = tools()
    wishes.tool_config = types.ToolConfig(
        function_calling_config=types.FunctionCallingConfig(mode="NONE")
    )
    answer = client.models.generate_content(model=model, contents=going_on, config=wishes)
    assert answer.text, answer


def a_function_in_python_is_called_by_the_sdk(client, model):
    asked = []

    def get_weather(city: str) -> str:
        """Tells the weather."""
        asked.append(city)
        return "Sunny"

    # The emulated providers call a function until its answer is there.
    wishes = types.GenerateContentConfig(max_output_tokens=100, tools=[get_weather])
    answer = client.models.generate_content(model=model, contents=STEERED, config=wishes)
    assert answer.text and len(asked) == 1, (answer, asked)


def an_image_is_seen(client, model):
    contents = ["What is it?", types.Part.from_bytes(data=PICTURE, mime_type="image/png")]
    answer = client.models.generate_content(model=model, contents=contents, config=config())
    assert answer.text and answer.usage_metadata.prompt_token_count > 85, answer
    elsewhere = types.Part.from_uri(
        file_uri="https://example.com/a.png", mime_type="image/png"
    )
    answer = client.models.generate_content(
        model=model, contents=["What is it?", elsewhere], config=config()
    )
    assert answer.usage_metadata.prompt_token_count > 85, answer


class Reading(pydantic.BaseModel):
    celsius: int
    city: str


def an_answer_takes_the_form_of_a_class(client):
    wishes = config(response_mime_type="application/json", response_schema=Reading)
    answer = client.models.generate_content(model=MODELS[2], contents="hello", config=wishes)
    assert answer.parsed == Reading(celsius=1, city="sandbox"), answer
    as_json = config(
        response_mime_type="application/json", response_json_schema=Reading.model_json_schema()
    )
    answer = client.models.generate_content(model=MODELS[2], contents="hello", config=as_json)
    assert Reading.model_validate_json(answer.text), answer
    client.models.generate_content(model=MODELS[0], contents="hello", config=wishes)


def several_candidates_come_at_once(client):
    for model in [MODELS[0], MODELS[2]]:
        answer = client.models.generate_content(
            model=model, contents="hello", config=config(candidate_count=2)
        )
        assert [candidate.index for candidate in answer.candidates] == [0, 1], answer
        likely = config(response_logprobs=True, logprobs=2)
        answer = client.models.generate_content(model=model, contents="hello", config=likely)
        assert len(answer.candidates[0].logprobs_result.chosen_candidates) == 20, answer


def a_thinker_goes_on_with_its_signatures(client, model):
    thinking = types.ThinkingConfig(thinking_budget=1024, include_thoughts=True)
    wishes = tools(max_output_tokens=2000, thinking_config=thinking)
    # Claude does not think where it has to call.
    wishes.tool_config = None
    answer = client.models.generate_content(model=model, contents=STEERED, config=wishes)
    parts = answer.candidates[0].content.parts
    assert any(part.thought and part.text for part in parts), parts
    assert any(part.thought_signature for part in parts), parts
    result = types.Part.from_function_response(
        name=answer.function_calls[0].name, response={"result": "Sunny"}
    )
    going_on = [
        types.Content(role="user", parts=[types.Part(text=STEERED)]),
        answer.candidates[0].content,
        types.Content(role="user", parts=[result]),
    ]
    answer = client.models.generate_content(model=model, contents=going_on, config=wishes)
    assert answer.text, answer


def tokens_are_counted(client):
    for model in [MODELS[1], MODELS[2]]:
        counted = client.models.count_tokens(model=model, contents="hello")
        assert counted.total_tokens == 4, counted


def models_are_listed(client):
    listed = {model.name for model in client.models.list(config={"page_size": 3})}
    assert {f"models/{model}" for model in MODELS} <= listed, listed
    model = client.models.get(model=MODELS[2])
    assert model.output_token_limit == 8192, model
    assert "countTokens" in model.supported_actions, model


def either_version_is_served(address):
    for version in ["v1", "v1beta"]:
        client = customer(address, f"version-{version}", api_version=version)
        content_is_generated(client, MODELS[2])
        content_is_streamed_with_usage(client, MODELS[0])
        tokens_are_counted(client)
        models_are_listed(client)


def a_wrong_key_is_a_client_error(address):
    options = types.HttpOptions(base_url=address)
    stranger = genai.Client(api_key="cape_sk_nobody", http_options=options)
    raised = raises(
        errors.ClientError,
        lambda: stranger.models.generate_content(model=MODELS[2], contents="hi"),
    )
    assert (raised.code, raised.status) == (401, "UNAUTHENTICATED"), raised


def an_unknown_model_is_not_found(client):
    raised = raises(
        errors.ClientError,
        lambda: client.models.generate_content(model="gemini-0", contents="hi"),
    )
    assert (raised.code, raised.status) == (404, "NOT_FOUND"), raised


def what_is_not_carried_out_is_named(client):
    def ask():
        wishes = config(cached_content="cachedContents/x")
        client.models.generate_content(model=MODELS[2], contents="hi", config=wishes)

    raised = raises(errors.ClientError, ask)
    assert (raised.code, raised.status) == (400, "INVALID_ARGUMENT"), raised
    assert "cachedContent" in raised.message, raised


def a_stream_that_breaks_off_raises(client):
    def ask():
        for _ in client.models.generate_content_stream(
            model=MODELS[2], contents="[[sandbox: fail_after=3]]", config=config()
        ):
            pass

    raised = raises(errors.ServerError, ask)
    assert raised.code == 502, raised


def a_busy_provider_is_asked_again(address):
    attempts = []
    retry = types.HttpRetryOptions(attempts=3, initial_delay=0.01, max_delay=0.02)
    counted = {"event_hooks": {"request": [attempts.append]}}
    client = customer(address, "busy", retry_options=retry, client_args=counted)
    raised = raises(
        errors.ServerError,
        lambda: client.models.generate_content(
            model=MODELS[2], contents="[[sandbox: status=503]]"
        ),
    )
    # A provider that failed may be left alone for a while.
    assert raised.code in (502, 503) and len(attempts) == 3, (raised, len(attempts))


def main():
    checks = []
    with platform(sys.argv[1]) as address:
        for model in MODELS:
            name = model.replace(".", "-")
            client, other = customer(address, name), customer(address, f"{name}-too")
            checks += [
                (content_is_generated, (client, model)),
                (content_is_cut_at_its_length, (client, model)),
                (content_is_streamed_with_usage, (client, model)),
                (a_chat_goes_on, (client, model)),
                (a_function_is_called_and_its_answer_is_taken, (other, model)),
                (a_function_in_python_is_called_by_the_sdk, (other, model)),
                (an_image_is_seen, (other, model)),
            ]
        for model in THINKERS:
            client = customer(address, f"thinker-{model.replace('.', '-')}")
            checks += [(a_thinker_goes_on_with_its_signatures, (client, model))]
        first = customer(address, "first")
        second = customer(address, "second")
        checks += [
            (an_answer_takes_the_form_of_a_class, (first,)),
            (several_candidates_come_at_once, (first,)),
            (tokens_are_counted, (second,)),
            (models_are_listed, (second,)),
            (either_version_is_served, (address,)),
            (a_wrong_key_is_a_client_error, (address,)),
            (an_unknown_model_is_not_found, (second,)),
            (what_is_not_carried_out_is_named, (second,)),
            (a_stream_that_breaks_off_raises, (second,)),
            (a_busy_provider_is_asked_again, (address,)),
        ]
        for check, arguments in checks:
            check(*arguments)
            model = next((a for a in arguments if a in MODELS + THINKERS), "")
            print(f"google-genai {__version__}: {check.__name__}", model, flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
