//! What a model said, in Google's parts.
//!
//! A signature stands on the part that followed from the thought. A thought without a text is the
//! signature of a function that is asked for; a sealed one is that of the text.
use cape_domain::usage::{Thought, ToolCall};
use cape_wire::{
    Raw,
    gemini::{FunctionCall, Part},
};

use super::base64::signature;

/// What was said, and whether all functions that are asked for could be read.
pub(super) fn of(thoughts: Vec<Thought>, text: String, calls: Vec<ToolCall>) -> (Vec<Part>, bool) {
    let (thoughts, of_text, mut of_calls) = anchored(thoughts, !text.is_empty(), calls.len());
    let mut parts: Vec<Part> = thoughts.into_iter().flat_map(thought).collect();
    if !text.is_empty() {
        parts.push(Part::text(text).signed(of_text));
    }
    of_calls.resize(calls.len(), None);
    let calls: Vec<_> =
        calls.into_iter().zip(of_calls).map(|(asked, signed)| call(asked, signed)).collect();
    let read = calls.iter().all(Option::is_some);
    parts.extend(calls.into_iter().flatten());
    (parts, read)
}

/// A thought, told by itself.
pub(super) fn thought(thought: Thought) -> Vec<Part> {
    let Thought { text, signature: signed, sealed } = thought;
    let signed = signed.as_deref().map(signature);
    let shown = (!text.is_empty() || signed.is_some()).then(|| Part::thought(text).signed(signed));
    let sealed = sealed.as_deref().map(signature).map(|sealed| Part::text("").signed(Some(sealed)));
    shown.into_iter().chain(sealed).collect()
}

/// A function that is asked for, with its signature; none where its arguments cannot be read.
pub(super) fn call(call: ToolCall, signed: Option<String>) -> Option<Part> {
    let ToolCall { id, name, arguments } = call;
    let arguments = if arguments.trim().is_empty() { "{}".to_owned() } else { arguments };
    let args = Raw::new(arguments).ok().filter(Raw::is_object)?;
    let id = Some(id).filter(|id| !id.is_empty());
    Some(Part::function_call(FunctionCall { id, name, args: Some(args) }).signed(signed))
}

/// Takes the signatures that stand on other parts off the end of the thoughts: of the functions
/// last, and of the text before.
fn anchored(
    mut thoughts: Vec<Thought>,
    says: bool,
    calls: usize,
) -> (Vec<Thought>, Option<String>, Vec<Option<String>>) {
    let mut of_calls = Vec::new();
    while of_calls.len() < calls {
        let Some(signed) = thoughts.pop_if(|thought| is_signature(thought)) else { break };
        of_calls.push(signed.signature.as_deref().map(signature));
    }
    of_calls.reverse();
    let of_text = thoughts.pop_if(|thought| says && is_sealed(thought));
    let of_text = of_text.and_then(|thought| thought.sealed).as_deref().map(signature);
    (thoughts, of_text, of_calls)
}

/// Whether a thought is the signature of something else.
pub(super) const fn is_signature(thought: &Thought) -> bool {
    thought.text.is_empty() && thought.signature.is_some() && thought.sealed.is_none()
}

/// Whether a thought is sealed, and nothing else.
pub(super) const fn is_sealed(thought: &Thought) -> bool {
    thought.text.is_empty() && thought.signature.is_none() && thought.sealed.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed(text: &str, signature: Option<&str>, sealed: Option<&str>) -> Thought {
        let [signature, sealed] = [signature, sealed].map(|it| it.map(str::to_owned));
        Thought { text: text.to_owned(), signature, sealed }
    }

    fn asked(id: &str, arguments: &str) -> ToolCall {
        let (name, arguments) = ("f".to_owned(), arguments.to_owned());
        ToolCall { id: id.to_owned(), name, arguments }
    }

    fn written(thoughts: Vec<Thought>, text: &str, calls: Vec<ToolCall>) -> String {
        serde_json::to_string(&of(thoughts, text.to_owned(), calls).0).expect("JSON")
    }

    #[test]
    fn a_signature_stands_on_what_followed_from_the_thought() {
        let both = vec![signed("hm", None, None), signed("", Some("AAAA"), None)];
        assert_eq!(
            written(both.clone(), "", vec![asked("a", "{}"), asked("b", "")]),
            concat!(
                r#"[{"text":"hm","thought":true},"#,
                r#"{"functionCall":{"id":"a","name":"f","args":{}},"thoughtSignature":"AAAA"},"#,
                r#"{"functionCall":{"id":"b","name":"f","args":{}}}]"#,
            )
        );
        assert_eq!(
            written(both, "hi", Vec::new()),
            concat!(
                r#"[{"text":"hm","thought":true},"#,
                r#"{"text":"","thought":true,"thoughtSignature":"AAAA"},{"text":"hi"}]"#,
            )
        );
        assert_eq!(
            written(vec![signed("", None, Some("BBBB"))], "hi", Vec::new()),
            r#"[{"text":"hi","thoughtSignature":"BBBB"}]"#
        );
    }

    #[test]
    fn thoughts_that_are_no_signatures_keep_their_order() {
        let thoughts = vec![signed("", None, Some("BBBB")), signed("hm", Some("AAAA"), None)];
        assert_eq!(
            written(thoughts, "hi", Vec::new()),
            concat!(
                r#"[{"text":"","thoughtSignature":"BBBB"},"#,
                r#"{"text":"hm","thought":true,"thoughtSignature":"AAAA"},{"text":"hi"}]"#,
            )
        );
    }

    #[test]
    fn a_function_whose_arguments_cannot_be_read_is_left_out() {
        let (parts, read) = of(Vec::new(), "hi".to_owned(), vec![asked("a", r#"{"city"#)]);
        assert_eq!((parts.as_slice(), read), ([Part::text("hi")].as_slice(), false));
        assert!(!of(Vec::new(), String::new(), vec![asked("a", "[1]")]).1);
    }
}
