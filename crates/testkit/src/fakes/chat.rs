//! A provider of models that says what a test wrote down.
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use cape_domain::usage::{
    ChatCompletion, ChatEvent, ChatProvider, ChatRequest, ChatStream, Choice, FinishReason,
    ModelProviderError, Piece, Thought, ThoughtPart, ToolCall, ToolCallPart, UnsupportedParameter,
};
use tokio::sync::Notify;

/// One step of an answer that comes in pieces.
#[derive(Debug)]
pub enum Step {
    /// A piece comes.
    Event(ChatEvent),
    /// Nothing comes until the gate is opened.
    Wait(Arc<Notify>),
    /// The answer breaks off. What is written after it is not said.
    Break(ModelProviderError),
}

/// Each call takes the next script. A call beyond the last one gets the usual answer, if there
/// is one, and [`ModelProviderError::Unavailable`] otherwise.
#[derive(Default)]
pub struct ScriptedChat {
    state: Mutex<State>,
    hung_up: Arc<AtomicUsize>,
}

#[derive(Default)]
struct State {
    scripts: VecDeque<Script>,
    usual: Option<ChatCompletion>,
    unsupported: Option<String>,
    requests: Vec<ChatRequest>,
    counts: VecDeque<Result<u64, ModelProviderError>>,
    counted: Vec<ChatRequest>,
}

struct Script {
    gate: Option<Arc<Notify>>,
    outcome: Outcome,
}

enum Outcome {
    Answer(ChatCompletion),
    Pieces(VecDeque<Step>),
    Error(ModelProviderError),
}

impl ScriptedChat {
    /// One that gives this answer whenever nothing else was written down.
    #[must_use]
    pub fn always(answer: ChatCompletion) -> Self {
        let chat = Self::default();
        chat.state().usual = Some(answer);
        chat
    }

    /// The next call is answered, in one piece or in several as it asks for.
    pub fn will_answer(&self, answer: ChatCompletion) {
        self.add(None, Outcome::Answer(answer));
    }

    /// The next call is answered when the gate is opened.
    pub fn will_answer_after(&self, gate: Arc<Notify>, answer: ChatCompletion) {
        self.add(Some(gate), Outcome::Answer(answer));
    }

    /// The next call is answered in these pieces. Asked for one piece, it breaks off or is put
    /// together.
    pub fn will_stream(&self, steps: impl IntoIterator<Item = Step>) {
        self.add(None, Outcome::Pieces(steps.into_iter().collect()));
    }

    /// The next call fails.
    pub fn will_fail(&self, error: ModelProviderError) {
        self.add(None, Outcome::Error(error));
    }

    /// The next call fails when the gate is opened.
    pub fn will_fail_after(&self, gate: Arc<Notify>, error: ModelProviderError) {
        self.add(Some(gate), Outcome::Error(error));
    }

    /// The next request whose tokens are to be counted has so many, or cannot be counted.
    pub fn will_count(&self, count: Result<u64, ModelProviderError>) {
        self.state().counts.push_back(count);
    }

    /// Whose tokens were to be counted, the oldest first.
    #[must_use]
    pub fn counted(&self) -> Vec<ChatRequest> {
        self.state().counted.clone()
    }

    /// From now on requests fail their check because of this parameter.
    pub fn does_not_support(&self, parameter: &str) {
        self.state().unsupported = Some(parameter.to_owned());
    }

    /// How many calls were made. Checks are none.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state().requests.len()
    }

    /// What was asked, the oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<ChatRequest> {
        self.state().requests.clone()
    }

    /// How many answers in pieces were dropped before their end.
    #[must_use]
    pub fn hung_up(&self) -> usize {
        self.hung_up.load(Ordering::SeqCst)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, gate: Option<Arc<Notify>>, outcome: Outcome) {
        self.state().scripts.push_back(Script { gate, outcome });
    }

    async fn next(&self, request: &ChatRequest) -> Result<Outcome, ModelProviderError> {
        let script = {
            let mut state = self.state();
            state.requests.push(request.clone());
            let usual = state.usual.clone().map(Outcome::Answer);
            let usual = usual.map(|outcome| Script { gate: None, outcome });
            state.scripts.pop_front().or(usual)
        };
        let Some(Script { gate, outcome }) = script else {
            return Err(ModelProviderError::Unavailable("nothing was written down".into()));
        };
        if let Some(gate) = gate {
            gate.notified().await;
        }
        match outcome {
            Outcome::Error(error) => Err(error),
            Outcome::Answer(_) | Outcome::Pieces(_) => Ok(outcome),
        }
    }
}

#[async_trait]
impl ChatProvider for ScriptedChat {
    fn check(&self, _: &ChatRequest) -> Result<(), UnsupportedParameter> {
        match &self.state().unsupported {
            None => Ok(()),
            Some(parameter) => Err(UnsupportedParameter { parameter: parameter.clone() }),
        }
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatCompletion, ModelProviderError> {
        match self.next(request).await? {
            Outcome::Answer(answer) => Ok(answer),
            Outcome::Pieces(steps) => put_together(steps).await,
            Outcome::Error(error) => Err(error),
        }
    }

    async fn stream(
        &self,
        request: &ChatRequest,
    ) -> Result<Box<dyn ChatStream>, ModelProviderError> {
        let steps = match self.next(request).await? {
            Outcome::Answer(answer) => take_apart(answer),
            Outcome::Pieces(steps) => steps,
            Outcome::Error(error) => return Err(error),
        };
        Ok(Box::new(Pieces { steps, ended: false, hung_up: self.hung_up.clone() }))
    }

    async fn count_tokens(&self, request: &ChatRequest) -> Result<u64, ModelProviderError> {
        let mut state = self.state();
        state.counted.push(request.clone());
        let unwritten = || Err(ModelProviderError::Unavailable("nothing was written down".into()));
        state.counts.pop_front().unwrap_or_else(unwritten)
    }
}

/// What is left to be said.
struct Pieces {
    steps: VecDeque<Step>,
    ended: bool,
    hung_up: Arc<AtomicUsize>,
}

#[async_trait]
impl ChatStream for Pieces {
    async fn next(&mut self) -> Option<Result<ChatEvent, ModelProviderError>> {
        // A gate stays until it was passed: whoever stops waiting waits again next time.
        while let Some(Step::Wait(gate)) = self.steps.front() {
            gate.notified().await;
            self.steps.pop_front();
        }
        match self.steps.pop_front() {
            Some(Step::Event(event)) => Some(Ok(event)),
            Some(Step::Break(error)) => {
                self.steps.clear();
                self.ended = true;
                Some(Err(error))
            }
            Some(Step::Wait(_)) | None => {
                self.ended = true;
                None
            }
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        if !self.ended {
            self.hung_up.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// The pieces of an answer: its text word by word.
fn take_apart(answer: ChatCompletion) -> VecDeque<Step> {
    let choices = answer.choices.into_iter().zip(0..);
    let pieces = choices.flat_map(|(answer, choice)| {
        pieces_of(answer).map(move |piece| ChatEvent::Piece { choice, piece })
    });
    let usage = answer.usage.map(ChatEvent::Usage);
    pieces.chain(usage).map(Step::Event).collect()
}

fn pieces_of(answer: Choice) -> impl Iterator<Item = Piece> {
    let thoughts = answer.thoughts.into_iter().zip(0..);
    let thoughts = thoughts.map(|(thought, index)| Piece::Thought(ThoughtPart { index, thought }));
    let words: Vec<String> = answer.text.split_inclusive(' ').map(str::to_owned).collect();
    let calls = answer.tool_calls.into_iter().zip(0..).map(|(call, index)| {
        Piece::ToolCall(ToolCallPart {
            index,
            id: Some(call.id),
            name: Some(call.name),
            arguments: call.arguments,
        })
    });
    let log_probs = answer.log_probs.map(Piece::LogProbs);
    let end = [Piece::Finished(answer.finish)];
    thoughts.chain(words.into_iter().map(Piece::Text)).chain(calls).chain(log_probs).chain(end)
}

/// The answer that pieces make.
async fn put_together(steps: VecDeque<Step>) -> Result<ChatCompletion, ModelProviderError> {
    let mut answer = ChatCompletion { choices: vec![], usage: None };
    for step in steps {
        match step {
            Step::Wait(gate) => gate.notified().await,
            Step::Break(error) => return Err(error),
            Step::Event(ChatEvent::Usage(tokens)) => answer.usage = Some(tokens),
            Step::Event(ChatEvent::Piece { choice, piece }) => {
                let wanted = choice as usize + 1;
                if answer.choices.len() < wanted {
                    answer.choices.resize_with(wanted, silence);
                }
                add(&mut answer.choices[choice as usize], piece);
            }
        }
    }
    Ok(answer)
}

/// An answer that has not begun.
const fn silence() -> Choice {
    Choice {
        thoughts: vec![],
        text: String::new(),
        tool_calls: vec![],
        log_probs: None,
        finish: FinishReason::Stop,
    }
}

fn add(answer: &mut Choice, piece: Piece) {
    match piece {
        Piece::Text(text) => answer.text.push_str(&text),
        Piece::Finished(finish) => answer.finish = finish,
        Piece::LogProbs(log_probs) => answer.log_probs = Some(log_probs),
        Piece::Thought(ThoughtPart { index, thought }) => {
            match answer.thoughts.get_mut(index as usize) {
                Some(Thought { text, signature, sealed }) => {
                    text.push_str(&thought.text);
                    *signature = signature.take().or(thought.signature);
                    *sealed = sealed.take().or(thought.sealed);
                }
                None => answer.thoughts.push(thought),
            }
        }
        Piece::ToolCall(part) => {
            let (id, name) = (part.id.unwrap_or_default(), part.name.unwrap_or_default());
            match answer.tool_calls.get_mut(part.index as usize) {
                Some(call) => call.arguments.push_str(&part.arguments),
                None => answer.tool_calls.push(ToolCall { id, name, arguments: part.arguments }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cape_domain::usage::FailureKind;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::fixtures::{chat_request, completion, tokens};

    async fn pieces(chat: &ScriptedChat) -> Vec<Result<ChatEvent, FailureKind>> {
        let mut stream = chat.stream(&chat_request("hello")).await.expect("a stream");
        let mut all = Vec::new();
        while let Some(piece) = stream.next().await {
            all.push(piece.map_err(|error| error.kind()));
        }
        all
    }

    fn text(text: &str) -> ChatEvent {
        Piece::Text(text.to_owned()).of_first()
    }

    #[tokio::test]
    async fn each_call_takes_the_next_script_and_then_the_usual_one() {
        let chat = ScriptedChat::always(completion("as usual", None));
        chat.will_answer(completion("first", Some(tokens(3, 1))));
        chat.will_fail(ModelProviderError::Timeout);
        let ask = async || chat.complete(&chat_request("hello")).await.map_err(|e| e.kind());
        assert_eq!(ask().await, Ok(completion("first", Some(tokens(3, 1)))));
        assert_eq!(ask().await, Err(FailureKind::Timeout));
        assert_eq!(ask().await, Ok(completion("as usual", None)));
        assert_eq!(chat.calls(), 3);
        assert_eq!(chat.requests()[0], chat_request("hello"));
        let silent = ScriptedChat::default().complete(&chat_request("hello")).await;
        assert!(matches!(silent, Err(ModelProviderError::Unavailable(_))), "{silent:?}");
    }

    #[tokio::test]
    async fn an_answer_can_be_had_in_pieces_with_or_without_its_usage() {
        let chat = ScriptedChat::default();
        chat.will_answer(completion("one two", Some(tokens(3, 2))));
        chat.will_answer(completion("", None));
        let end = Ok(Piece::Finished(FinishReason::Stop).of_first());
        let usage = Ok(ChatEvent::Usage(tokens(3, 2)));
        assert_eq!(pieces(&chat).await, [Ok(text("one ")), Ok(text("two")), end.clone(), usage]);
        assert_eq!(pieces(&chat).await, [end]);
    }

    #[tokio::test]
    async fn a_stream_breaks_off_where_it_is_told_to() {
        let cut = || [Step::Event(text("one")), Step::Break(ModelProviderError::Timeout)];
        let chat = ScriptedChat::default();
        chat.will_stream(cut().into_iter().chain([Step::Event(text("unsaid"))]));
        chat.will_stream(cut());
        assert_eq!(pieces(&chat).await, [Ok(text("one")), Err(FailureKind::Timeout)]);
        assert_eq!(chat.hung_up(), 0);
        let whole = chat.complete(&chat_request("hello")).await;
        assert!(matches!(whole, Err(ModelProviderError::Timeout)), "{whole:?}");
    }

    #[tokio::test]
    async fn pieces_put_together_are_an_answer() {
        let part = |id: Option<&str>, arguments: &str| {
            let part = ToolCallPart {
                index: 0,
                id: id.map(str::to_owned),
                name: id.map(|_| "weather".to_owned()),
                arguments: arguments.to_owned(),
            };
            Step::Event(Piece::ToolCall(part).of_first())
        };
        let end = Step::Event(Piece::Finished(FinishReason::ToolCalls).of_first());
        let chat = ScriptedChat::default();
        chat.will_stream([part(Some("call_1"), "{\"city\":"), part(None, "1}"), end]);
        let answer = chat.complete(&chat_request("hello")).await.expect("an answer");
        assert_eq!(answer.choices[0].tool_calls[0].arguments, "{\"city\":1}");
        assert_eq!(answer.choices[0].finish, FinishReason::ToolCalls);
    }

    #[tokio::test]
    async fn a_gate_holds_an_answer_back_until_it_is_opened() {
        let (chat, gate) = (ScriptedChat::default(), Arc::new(Notify::new()));
        chat.will_answer_after(gate.clone(), completion("late", None));
        chat.will_stream([Step::Wait(gate.clone()), Step::Event(text("late"))]);
        let request = chat_request("hello");
        let mut asked = chat.complete(&request);
        assert!((&mut asked).now_or_never().is_none());
        gate.notify_one();
        assert_eq!(asked.await.expect("an answer").choices[0].text, "late");
        let mut stream = chat.stream(&request).await.expect("a stream");
        assert!(stream.next().now_or_never().is_none());
        gate.notify_one();
        assert!(matches!(stream.next().await, Some(Ok(ChatEvent::Piece { .. }))));
        drop(stream);
        assert_eq!(chat.hung_up(), 1, "the end was not waited for");
    }

    #[tokio::test]
    async fn tokens_are_counted_as_written_down() {
        let chat = ScriptedChat::always(completion("as usual", None));
        chat.will_count(Ok(7));
        chat.will_count(Err(ModelProviderError::Timeout));
        let request = chat_request("hello");
        let count = async || chat.count_tokens(&request).await.map_err(|error| error.kind());
        assert_eq!(count().await, Ok(7));
        assert_eq!(count().await, Err(FailureKind::Timeout));
        assert_eq!(count().await, Err(FailureKind::Unavailable));
        assert_eq!((chat.calls(), chat.counted().len()), (0, 3));
    }

    #[test]
    fn a_parameter_that_is_not_supported_is_named() {
        let chat = ScriptedChat::default();
        assert_eq!(chat.check(&chat_request("hello")), Ok(()));
        chat.does_not_support("seed");
        let parameter = "seed".to_owned();
        assert_eq!(chat.check(&chat_request("hello")), Err(UnsupportedParameter { parameter }));
    }
}
