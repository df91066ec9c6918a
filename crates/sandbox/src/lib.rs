//! Emulators of the vendors that the platform talks to, on their own wire formats: Stripe, `OpenAI`,
//! Anthropic and Gemini. They are reached by base URL alone (`{base}/stripe`, `{base}/openai`,
//! `{base}/anthropic`, `{base}/gemini`). Beside them stands a mailbox, which takes every mail over SMTP
//! and sends none on.
//!
//! This crate is the witness. It shares no type with the gateways that it answers, so that a
//! mistake in them is not repeated here; it keeps no rule of the platform, and it reaches nobody
//! but the webhook endpoints that it was told of.
//!
//! # How an answer is steered
//!
//! Text is deterministic, and usage is exact by definition: a token of output is one word with the
//! space before it, and the input counts the whitespace-separated words of all messages plus 3 for
//! each message, and 85 for each image. A directive in the last user message that has a text, which
//! is not repeated in the answer, makes a provider misbehave:
//!
//! ```text
//! [[sandbox: latency=500ms, chunk_delay=100ms, output_tokens=200, status=429, retry_after=2,
//!            cut_after=3, fail_after=3, usage=missing|zero|double, cached_tokens=5,
//!            body=huge, figures=negative, end=strange, event=strange]]
//! ```
//!
//! | key | effect | bound |
//! |---|---|---|
//! | `latency` | delays the start of the answer | 60 s |
//! | `chunk_delay` | waits between two chunks of content | 60 s |
//! | `output_tokens` | length of a text (20 otherwise; the request's own maximum still cuts it) | 100 000 |
//! | `status` | answers this status, 400 to 599, in the vendor's error shape | |
//! | `retry_after` | seconds in the header `Retry-After` beside `status` | 86 400 |
//! | `cut_after` | drops the connection after so many chunks of content, or after half of a whole body | 100 000 |
//! | `fail_after` | tells of a failure after so many chunks of content of a stream, where the vendor's streams can: Anthropic's and Gemini's | 100 000 |
//! | `usage` | leaves the usage out, reports zeros, or doubles the output tokens | |
//! | `cached_tokens` | reports so many of the input tokens as read from a cache | the input |
//! | `body` | what no vendor would send: `empty`, `garbage`, `deep` (nested 100 000 times), `huge` (100 MB; of a stream, one event), `endless` (of a stream, the same content again and again), `unending` (of a stream, one event), `silent` (nothing after the headers). Of a stream, after its first content | until the caller hangs up |
//! | `figures` | tells counts that cannot be: `negative`, `most` (the most that 64 bits hold), `beyond` (one more); or the last ones of a stream `twice`, or `shrinking` (tenfold before) | |
//! | `end` | `strange`: the reason for the end is one that nobody knows | |
//! | `event` | `strange`: after its first content, a stream tells something that nobody knows | |
//!
//! # How Stripe is steered
//!
//! Cards act by their number, on the pages (`card_number`, 4242… where nothing is entered) and over the
//! API (`pm_card_visa` and its like), as Stripe's own test cards do: 4000000000000002 is declined,
//! 4000000000009995 has no money, 4000000000000341 can be kept and not charged, 4000002760003184 asks for
//! 3-D Secure each time and 4000002500003155 once, 4000000000000259 pays and disputes it, 4000000000005126
//! pays and takes nothing back.
//!
//! Its time is the starter's clock, and ahead of that by what it was told. What falls due happens in
//! order, each at its own second, before any request is answered, within a second by itself, and on
//! [`Sandbox::catch_up`].
//!
//! What nobody could tell Stripe itself is told as JSON below `/_sandbox/stripe`:
//!
//! | request | effect |
//! |---|---|
//! | `GET`, `POST /clock` | `advance_seconds` or `to`: time goes on, never back |
//! | `GET`, `POST /billing` | `draft_seconds`, `retry_days`, `after_retries` (`cancel`, `unpaid`, `past_due`), `api_version` |
//! | `POST /cards` | `payment_method` or `customer`, and `outcome`: how they act from now on |
//! | `POST /disputes` | `charge` or `payment_intent`, `amount`, `reason`: it is disputed |
//! | `POST /disputes/{id}` | `status`: won or lost |
//! | `POST /events` | `type`, `object` and any field of an event: it is sent, signed |
//! | `POST /events/{id}/resend` | `copies` |
//! | `GET`, `POST`, `DELETE /deliveries` | `hold`, `copies`, `signature` (`usual`, `wrong`, `stale`, `rolled`, `v0`); what is held is shown, or lost |
//! | `POST /deliveries/release` | `order` (made, reversed, shuffled), `seed`, `copies`: one after another |
//! | `GET`, `POST`, `DELETE /faults` | `fault` (`status`, `cut`, `timeout`, `wrong_account`, `late`), `method`, `path` (from `/v1` on), `skip`, `times`, `status`, `retry_after`, `seconds`, `latency_ms`, and `executed`, where only the answer is lost |
//!
//! # Where mail goes
//!
//! Mail is taken at [`Sandbox::smtp_url`], without TLS or a login. The last 1 000 mails are kept, or as
//! many of them as fit into 256 MB. People read them at `{base}/mailbox`. For programs,
//! `GET /mailbox/messages` answers an array, newest first, of `id`, `received_at`, `from` and `to` (the
//! envelope's), `subject`, `text` and `html`, with `?to=address` those alone that went there;
//! `DELETE /mailbox/messages` throws all of them away.
//!
//! A recipient can be one that a mail does not reach:
//!
//! | recipient | is answered |
//! |---|---|
//! | `reject+…@…` | 550, always |
//! | `busy+…@…` | 451 the first two times that this address is tried, and then taken |
//!
//! # How the sandbox is watched
//!
//! `GET /_sandbox/health`, `GET /_sandbox/requests` (requests by vendor), `GET /_sandbox/streams`
//! (answers being streamed at the moment).
// Some of Stripe's objects have more fields than `json!` may otherwise be nested for.
#![recursion_limit = "512"]

mod anthropic;
mod directive;
mod fields;
mod gemini;
mod hostile;
mod html;
mod ids;
mod mailbox;
mod openai;
mod options;
mod script;
mod server;
mod stream;
mod stripe;
mod text;
mod tools;
mod traffic;
mod vectors;
mod world;

pub use options::{Clock, SandboxOptions, WebhookEndpoint};
pub use server::{Sandbox, serve};
pub use stripe::API_VERSION as STRIPE_API_VERSION;
