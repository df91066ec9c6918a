#!/usr/bin/env node
// What Anthropic's own SDK for JavaScript makes of the platform, with only baseURL and apiKey set.
//
//     .ci/anthropic_sdk.mjs target/debug/cape-api DIRECTORY
//
// Starts the program in a directory of its own, on a free port, with emulated providers. The package
// `@anthropic-ai/sdk` is taken from DIRECTORY/node_modules.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

const [binary, packages] = process.argv.slice(2);
const require = createRequire(join(resolve(packages), "packages.js"));
const { default: Anthropic } = require("@anthropic-ai/sdk");

// One of each provider: what the caller sees is the same.
const MODELS = ["gpt-4o-mini", "claude-3-haiku", "gemini-1.5-flash"];
const THINKER = "claude-haiku-4-5";
const THINKING = { type: "enabled", budget_tokens: 1024 };
const TOOL = {
  name: "get_weather",
  description: "Tells the weather",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};
const PIXEL = {
  type: "image",
  source: { type: "base64", media_type: "image/png", data: "iVBORw0KGgo=" },
};

const said = (text) => [{ role: "user", content: text }];

async function post(address, path, body, token) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(address + path, { method: "POST", headers, body: JSON.stringify(body) });
  assert.ok(answer.ok, `${path} was answered ${answer.status}`);
  return answer.json();
}

// Somebody new: what one does counts towards nobody else's limits.
async function customer(address, name) {
  const who = { email: `${name}@example.com`, password: "correct horse battery" };
  await post(address, "/api/auth/register", who);
  const { access_token } = await post(address, "/api/auth/login", who);
  const { key } = await post(address, "/api/keys", { name }, access_token);
  return new Anthropic({ baseURL: address, apiKey: key });
}

async function aMessageIsAnswered(client, model) {
  const answer = await client.messages.create({ model, max_tokens: 100, messages: said("hello") });
  assert.equal(answer.stop_reason, "end_turn");
  assert.ok(answer.content[0].text);
  assert.equal(answer.usage.output_tokens, 20);
}

async function aMessageIsStreamed(client, model) {
  const asked = { model, max_tokens: 100, messages: said("hello") };
  const whole = await client.messages.create(asked);
  const answer = await client.messages.stream(asked).finalMessage();
  assert.equal(answer.content[0].text, whole.content[0].text);
  assert.equal(answer.usage.output_tokens, whole.usage.output_tokens);
}

async function tokensAreCounted(client, model) {
  const asked = { model, messages: said("How many are these?") };
  const counted = await client.messages.countTokens(asked);
  const answer = await client.messages.create({ max_tokens: 50, ...asked });
  assert.equal(counted.input_tokens, answer.usage.input_tokens);
}

async function aThoughtIsStreamedAndToldBack(client) {
  const asked = { model: THINKER, max_tokens: 2000, thinking: THINKING, tools: [TOOL] };
  const turns = said("How is the weather?");
  const answer = await client.messages.stream({ ...asked, messages: turns }).finalMessage();
  const [thought, call] = answer.content;
  assert.deepEqual([thought.type, call.type], ["thinking", "tool_use"]);
  assert.ok(thought.thinking && thought.signature);
  assert.ok("city" in call.input);
  const result = { type: "tool_result", tool_use_id: call.id, is_error: true, content: [PIXEL] };
  turns.push({ role: "assistant", content: answer.content }, { role: "user", content: [result] });
  const last = await client.messages.create({ ...asked, messages: turns });
  assert.deepEqual(last.content.map((block) => block.type), ["thinking", "text"]);
}

async function failuresAreTheSdksOwn(client, address) {
  const ask = (who, more) =>
    who.messages.create({ model: THINKER, max_tokens: 1, messages: said("hi"), ...more });
  await assert.rejects(ask(client, { model: "claude-0" }), Anthropic.NotFoundError);
  await assert.rejects(ask(client, { max_tokens: 0 }), Anthropic.BadRequestError);
  const stranger = new Anthropic({ baseURL: address, apiKey: "cape_sk_nobody" });
  await assert.rejects(ask(stranger, {}), Anthropic.AuthenticationError);
}

async function check(address) {
  const done = (name, model = "") => console.log(`@anthropic-ai/sdk: ${name} ${model}`.trimEnd());
  for (const model of MODELS) {
    const client = await customer(address, model.replaceAll(".", "-"));
    for (const checked of [aMessageIsAnswered, aMessageIsStreamed, tokensAreCounted]) {
      await checked(client, model);
      done(checked.name, model);
    }
  }
  const client = await customer(address, "thinker");
  for (const checked of [aThoughtIsStreamedAndToldBack, failuresAreTheSdksOwn]) {
    await checked(client, address);
    done(checked.name);
  }
}

const directory = await mkdtemp(join(tmpdir(), "cape-"));
const options = { cwd: directory, env: { PORT: "0" }, stdio: ["ignore", "pipe", "inherit"] };
const program = spawn(resolve(binary), options);
const ended = once(program, "exit");
try {
  let address;
  for await (const line of createInterface({ input: program.stdout })) {
    const [name, value] = line.trim().split(/\s+/);
    if (name === "address") {
      address = value;
      break;
    }
  }
  assert.ok(address, "the program ended before it was ready");
  program.stdout.resume();
  await check(address);
  program.kill("SIGTERM");
  const [code] = await ended;
  assert.equal(code, 0);
} finally {
  program.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
}
