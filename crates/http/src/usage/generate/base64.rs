//! Base64 as Google's clients write it: of either alphabet, padded or not.
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{
        DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig,
        general_purpose::STANDARD as PADDED,
    },
};

const READER: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What stands before a text that is no base64 itself.
const WRAPPED: &[u8] = b"cape:";

/// The same bytes in the alphabet and with the padding that everybody reads. None for what is none.
pub(super) fn standard(text: &str) -> Option<String> {
    decoded(text).map(|bytes| PADDED.encode(bytes))
}

/// A signature as it can be written down: Google's clients read base64 and nothing else, and those
/// of other providers need not be any.
pub(super) fn signature(signature: &str) -> String {
    if standard(signature).is_some_and(|same| same == signature) {
        return signature.to_owned();
    }
    PADDED.encode([WRAPPED, signature.as_bytes()].concat())
}

/// The signature that was written down, as its provider gave it. None for what is no base64.
pub(super) fn unwrapped(text: &str) -> Option<String> {
    let bytes = decoded(text)?;
    let wrapped = bytes.strip_prefix(WRAPPED).map(<[u8]>::to_vec);
    match wrapped.map(String::from_utf8) {
        Some(Ok(signature)) => Some(signature),
        Some(Err(_)) | None => Some(PADDED.encode(bytes)),
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let letters = text.chars().map(|letter| match letter {
        '-' => '+',
        '_' => '/',
        other => other,
    });
    READER.decode(letters.collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_alphabet_is_read_and_one_is_written() {
        for (text, same) in [
            ("-_8=", Some("+/8=")),
            ("+/8", Some("+/8=")),
            ("aGk", Some("aGk=")),
            ("", Some("")),
            ("a", None),
            ("a b=", None),
            ("é", None),
        ] {
            assert_eq!(standard(text).as_deref(), same, "{text}");
        }
    }

    #[test]
    fn a_signature_comes_back_as_its_provider_gave_it() {
        for given in ["+/8=", "EqQBCgIYAhIM", "sig_1", "not base64!", "é", "+/8", ""] {
            let written = signature(given);
            assert_eq!(unwrapped(&written).as_deref(), Some(given), "{written}");
            let by_a_client = written.replace('+', "-").replace('/', "_");
            assert_eq!(unwrapped(&by_a_client).as_deref(), Some(given), "{by_a_client}");
        }
        assert_eq!(signature("+/8="), "+/8=");
        assert_eq!(unwrapped("a"), None);
    }
}
