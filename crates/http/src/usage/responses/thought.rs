//! What a model thought, on its way to a caller and back.
//!
//! `OpenAI`'s format has one place for what only a provider reads. Other providers have two: what
//! they know a thought by, and a thought that is sealed as a whole. Which it is stands before it.
use cape_domain::usage::Thought;

const SIGNED: &str = "signed.";
const SEALED: &str = "sealed.";

/// What goes with a thought, for its provider alone.
pub(super) fn kept(thought: &Thought) -> Option<String> {
    let signed = thought.signature.as_ref().map(|signature| format!("{SIGNED}{signature}"));
    signed.or_else(|| thought.sealed.as_ref().map(|sealed| format!("{SEALED}{sealed}")))
}

/// The thought of this text with what went with it. None, where that is none of ours.
pub(super) fn read(text: String, kept: Option<String>) -> Option<Thought> {
    let Some(kept) = kept else { return Some(Thought { text, ..Thought::default() }) };
    let (signature, sealed) = match (kept.strip_prefix(SIGNED), kept.strip_prefix(SEALED)) {
        (Some(signature), _) => (Some(signature.to_owned()), None),
        (None, Some(sealed)) => (None, Some(sealed.to_owned())),
        (None, None) => return None,
    };
    Some(Thought { text, signature, sealed })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thought_comes_back_as_it_went() {
        let thought = |signature: Option<&str>, sealed: Option<&str>| Thought {
            text: "Hm.".to_owned(),
            signature: signature.map(str::to_owned),
            sealed: sealed.map(str::to_owned),
        };
        for thought in
            [thought(None, None), thought(Some("a.b"), None), thought(None, Some("sealed.c"))]
        {
            assert_eq!(read(thought.text.clone(), kept(&thought)), Some(thought));
        }
        assert_eq!(read(String::new(), Some("gAAAA".to_owned())), None);
    }
}
