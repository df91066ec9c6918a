//! The three providers against vendors that play what was once recorded of the real ones.
mod anthropic;
mod connections;
mod counting;
mod embeddings;
mod failures;
mod gemini;
mod gemini_answers;
mod gemini_requests;
mod messages;
mod moderations;
mod openai;
mod openai_requests;
mod outputs;
mod requests;
mod vendor;

use std::time::Duration;

use cape_domain::{
    json::RawJson,
    secret::Secret,
    usage::{
        ChatCompletion, ChatEvent, ChatProvider, ChatRequest, ChatStream, FailureKind, Message,
        ModelProviderError, Piece, TokenCounts, Tool, ToolCall, ToolCallPart,
    },
};
use cape_gateways::usage::providers::{
    AnthropicProvider, GeminiProvider, OpenAiProvider, ProviderClient, ProviderClientOptions,
    ProviderOptions,
};
use tokio::join;

use vendor::{Asked, Step, Vendor, cut_stream};

const KEY: &str = "sk-test-123";

/// One for each test: its connections belong to the test's own runtime.
fn client() -> ProviderClient {
    let options =
        ProviderClientOptions { use_system_proxies: false, ..ProviderClientOptions::default() };
    ProviderClient::new(options).expect("a client")
}

/// Short patience, for those who test it.
fn options(url: &str) -> ProviderOptions {
    ProviderOptions {
        answer_timeout: Duration::from_secs(5),
        first_byte_timeout: Duration::from_secs(5),
        idle_timeout: Duration::from_millis(200),
        ..ProviderOptions::new(url, Secret::new(KEY))
    }
}

fn openai(url: &str) -> OpenAiProvider {
    OpenAiProvider::new(&client(), options(url)).expect("sound options")
}

fn anthropic(url: &str) -> AnthropicProvider {
    AnthropicProvider::new(&client(), options(url)).expect("sound options")
}

fn gemini(url: &str) -> GeminiProvider {
    GeminiProvider::new(&client(), options(url)).expect("sound options")
}

fn every_provider(url: &str) -> [Box<dyn ChatProvider>; 3] {
    let client = client();
    [
        Box::new(OpenAiProvider::new(&client, options(url)).expect("sound options")),
        Box::new(AnthropicProvider::new(&client, options(url)).expect("sound options")),
        Box::new(GeminiProvider::new(&client, options(url)).expect("sound options")),
    ]
}

/// "Say hi", in no more than 64 tokens.
fn request() -> ChatRequest {
    ChatRequest::new("m-1", vec![Message::user("Say hi")], 64)
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.to_owned(),
        description: Some("The weather of a city".to_owned()),
        parameters: Some(RawJson::new(
            r#"{"type":"object","properties":{"city":{"type":"string"}}}"#,
        )),
        strict: None,
    }
}

fn call(id: &str, name: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.to_owned() }
}

/// Input and output, nothing else.
fn tokens(input: u64, output: u64) -> TokenCounts {
    TokenCounts { input, output, ..TokenCounts::default() }
}

/// A stream, read to its end.
#[derive(Debug, PartialEq, Eq)]
struct Heard {
    pieces: Vec<ChatEvent>,
    failure: Option<FailureKind>,
}

impl Heard {
    fn text(&self) -> String {
        let texts = self.pieces.iter().filter_map(|piece| match piece {
            ChatEvent::Piece { piece: Piece::Text(text), .. } => Some(text.as_str()),
            ChatEvent::Piece { .. } | ChatEvent::Usage(_) => None,
        });
        texts.collect()
    }

    fn usage(&self) -> Option<TokenCounts> {
        self.pieces.iter().rev().find_map(|piece| match piece {
            ChatEvent::Usage(counts) => Some(*counts),
            ChatEvent::Piece { .. } => None,
        })
    }
}

async fn hear(mut stream: Box<dyn ChatStream>) -> Heard {
    let mut heard = Heard { pieces: Vec::new(), failure: None };
    while let Some(piece) = stream.next().await {
        assert_eq!(heard.failure, None, "nothing comes after a failure");
        match piece {
            Ok(piece) => heard.pieces.push(piece),
            Err(error) => heard.failure = Some(error.kind()),
        }
    }
    assert!(stream.next().await.is_none(), "what has ended stays ended");
    heard
}

/// Asks for a stream while the vendor plays.
async fn streamed(provider: &dyn ChatProvider, vendor: &Vendor, script: &[Step]) -> Heard {
    let ask = async { hear(provider.stream(&request()).await.expect("a stream")).await };
    join!(vendor.play(script), ask).1
}

/// Asks for an answer in one piece while the vendor plays.
async fn completed(
    provider: &dyn ChatProvider,
    vendor: &Vendor,
    script: &[Step],
) -> (Asked, Result<ChatCompletion, ModelProviderError>) {
    let request = request();
    join!(vendor.play(script), provider.complete(&request))
}

/// Plays a stream once for every place where it can be cut in two, with both ends of lines.
async fn heard_wherever_it_is_cut(
    provider: &dyn ChatProvider,
    vendor: &Vendor,
    body: &str,
) -> Heard {
    let expected = streamed(provider, vendor, &vendor::stream(body)).await;
    assert_eq!(expected.failure, None);
    for body in [body.to_owned(), body.replace('\n', "\r\n")] {
        for at in 1..body.len() {
            let heard = streamed(provider, vendor, &cut_stream(&body, at)).await;
            assert_eq!(heard, expected, "cut at {at}");
        }
    }
    expected
}

/// Plays every beginning of a stream that ends with whole events. All but the last `endings` of
/// them are answers that broke off: what was heard is a beginning too, and then it fails.
async fn fails_wherever_it_breaks_off(
    provider: &dyn ChatProvider,
    vendor: &Vendor,
    body: &str,
    endings: usize,
) {
    let all = streamed(provider, vendor, &vendor::stream(body)).await;
    let events: Vec<&str> = body.split_inclusive("\n\n").collect();
    for count in 0..events.len() {
        let heard = streamed(provider, vendor, &vendor::stream(&events[..count].concat())).await;
        assert!(all.pieces.starts_with(&heard.pieces), "{heard:?}");
        let broken = count + endings < events.len();
        assert_eq!(heard.failure, broken.then_some(FailureKind::Unavailable), "{count} events");
    }
}

fn first_part(index: u32, id: &str, name: &str, arguments: &str) -> ChatEvent {
    let (id, name, arguments) = (Some(id.to_owned()), Some(name.to_owned()), arguments.to_owned());
    Piece::ToolCall(ToolCallPart { index, id, name, arguments }).of_first()
}

fn next_part(index: u32, arguments: &str) -> ChatEvent {
    let arguments = arguments.to_owned();
    Piece::ToolCall(ToolCallPart { index, id: None, name: None, arguments }).of_first()
}
