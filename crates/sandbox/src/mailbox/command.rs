//! What a sender may say (RFC 5321, with the parameters of SIZE and 8BITMIME). Whether it may be said
//! now is the dialogue's.
use super::reply::{self, Reply};

/// The largest mail, as it is told to senders.
pub(crate) const LARGEST: usize = 10 << 20;
const LONGEST_ADDRESS: usize = 320;

/// A command whose arguments are sound.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Greets, and knows no extensions.
    Hello,
    /// Greets, and asks for extensions.
    ExtendedHello,
    /// Begins a mail.
    Mail {
        /// Who is told when it does not arrive; empty for nobody.
        from: String,
    },
    /// Adds a recipient.
    Recipient {
        /// Whom it goes to.
        to: String,
    },
    /// Announces the mail itself.
    Data,
    /// Drops the mail that was begun.
    Reset,
    /// Does nothing.
    Nothing,
    /// Asks whether a recipient exists.
    Verify,
    /// Leaves.
    Quit,
}

impl Command {
    /// Reads a line without its end.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Reply> {
        let line = str::from_utf8(line).map_err(|_| reply::UNKNOWN)?.trim_end();
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        let alone = argument.is_empty();
        let when = |fits, command| if fits { Ok(command) } else { Err(reply::BAD_ARGUMENT) };
        match verb.to_ascii_uppercase().as_str() {
            "HELO" => when(!alone, Self::Hello),
            "EHLO" => when(!alone, Self::ExtendedHello),
            "MAIL" => mail(argument),
            "RCPT" => recipient(argument),
            "DATA" => when(alone, Self::Data),
            "RSET" => when(alone, Self::Reset),
            "NOOP" => Ok(Self::Nothing),
            "VRFY" => when(!alone, Self::Verify),
            "QUIT" => when(alone, Self::Quit),
            _ => Err(reply::UNKNOWN),
        }
    }
}

fn mail(argument: &str) -> Result<Command, Reply> {
    let (from, parameters) = path(argument, "FROM:")?;
    if !from.is_empty() && !is_address(from) {
        return Err(reply::BAD_ARGUMENT);
    }
    for parameter in parameters.split_whitespace() {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        match (key.to_ascii_uppercase().as_str(), value.to_ascii_uppercase().as_str()) {
            ("SIZE", size) if size.is_empty() || !size.bytes().all(|c| c.is_ascii_digit()) => {
                return Err(reply::BAD_ARGUMENT);
            }
            // A number that does not fit is larger still.
            ("SIZE", size) if size.parse().unwrap_or(usize::MAX) > LARGEST => {
                return Err(reply::TOO_LARGE);
            }
            ("SIZE", _) | ("BODY", "7BIT" | "8BITMIME") => {}
            ("BODY", _) => return Err(reply::BAD_ARGUMENT),
            _ => return Err(reply::UNKNOWN_PARAMETER),
        }
    }
    Ok(Command::Mail { from: from.to_owned() })
}

fn recipient(argument: &str) -> Result<Command, Reply> {
    let (to, parameters) = path(argument, "TO:")?;
    if !to.eq_ignore_ascii_case("postmaster") && !is_address(to) {
        return Err(reply::BAD_ARGUMENT);
    }
    if !parameters.trim().is_empty() {
        return Err(reply::UNKNOWN_PARAMETER);
    }
    Ok(Command::Recipient { to: to.to_owned() })
}

/// The address in `FROM:<address>`, and what stands behind it. Hosts that it was to be passed
/// through, `<@host:address>`, are skipped as the RFC has it.
fn path<'a>(argument: &'a str, keyword: &str) -> Result<(&'a str, &'a str), Reply> {
    let (start, path) = argument.split_at_checked(keyword.len()).ok_or(reply::BAD_ARGUMENT)?;
    let path = path.trim_start().strip_prefix('<').ok_or(reply::BAD_ARGUMENT)?;
    let (address, behind) =
        closing(path).and_then(|end| path.split_at_checked(end)).ok_or(reply::BAD_ARGUMENT)?;
    let behind = &behind[1..];
    if !start.eq_ignore_ascii_case(keyword) || !(behind.is_empty() || behind.starts_with(' ')) {
        return Err(reply::BAD_ARGUMENT);
    }
    let address = match address.strip_prefix('@') {
        Some(route) => route.split_once(':').ok_or(reply::BAD_ARGUMENT)?.1,
        None => address,
    };
    Ok((address, behind))
}

/// Where the path ends: a bracket within quotes belongs to the address.
fn closing(path: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    path.bytes().position(|byte| {
        let bare = !escaped;
        escaped = bare && quoted && byte == b'\\';
        quoted ^= bare && byte == b'"';
        byte == b'>' && !quoted
    })
}

/// Something before the last `@` and something behind it. Letters beyond ASCII would need an
/// extension that is not offered.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |text: &str| text.bytes().all(|c| c.is_ascii_graphic() && !b"<>\"\\".contains(&c));
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let printable = local.bytes().all(|c| c.is_ascii_graphic() || c == b' ');
    let local = !local.is_empty() && (plain(local) || quoted && printable);
    local && !domain.is_empty() && plain(domain) && text.len() <= LONGEST_ADDRESS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Command, Reply> {
        Command::parse(line.as_bytes())
    }

    fn from(address: &str) -> Command {
        Command::Mail { from: address.into() }
    }

    fn to(address: &str) -> Command {
        Command::Recipient { to: address.into() }
    }

    #[test]
    fn verbs_and_keywords_are_read_in_any_case() {
        assert_eq!(parse("ehlo there"), Ok(Command::ExtendedHello));
        assert_eq!(parse("Data "), Ok(Command::Data));
        assert_eq!(parse("mail from:<a@b.test>"), Ok(from("a@b.test")));
        assert_eq!(parse("RCPT to: <a@b.test>"), Ok(to("a@b.test")));
    }

    #[test]
    fn addresses_are_taken_out_of_their_path() {
        assert_eq!(parse("MAIL FROM:<>"), Ok(from("")));
        assert_eq!(parse("RCPT TO:<Postmaster>"), Ok(to("Postmaster")));
        assert_eq!(parse("RCPT TO:<@x.test,@y.test:a@b.test>"), Ok(to("a@b.test")));
        assert_eq!(parse(r#"RCPT TO:<"a > \"b"@c.test>"#), Ok(to(r#""a > \"b"@c.test"#)));
        for bad in
            ["a@b.test", "<a@b.test", "<>", "<a>", "<@b>", "<a@>", "<a b@c>", "<é@b>", "<a@b>c"]
        {
            assert_eq!(parse(&format!("RCPT TO:{bad}")), Err(reply::BAD_ARGUMENT), "{bad}");
        }
        assert_eq!(parse("RCPT FROM:<a@b.test>"), Err(reply::BAD_ARGUMENT));
        let long = format!("RCPT TO:<{}@b.test>", "a".repeat(LONGEST_ADDRESS));
        assert_eq!(parse(&long), Err(reply::BAD_ARGUMENT));
    }

    #[test]
    fn parameters_of_what_is_offered_are_understood_and_no_others() {
        assert_eq!(parse("MAIL FROM:<a@b> SIZE=10485760 BODY=8BITMIME"), Ok(from("a@b")));
        assert_eq!(parse("MAIL FROM:<a@b> size=1 body=7bit"), Ok(from("a@b")));
        let huge = "9".repeat(40);
        for (parameter, answer) in [
            ("SIZE=10485761", reply::TOO_LARGE),
            (&format!("SIZE={huge}"), reply::TOO_LARGE),
            ("SIZE=", reply::BAD_ARGUMENT),
            ("SIZE=-1", reply::BAD_ARGUMENT),
            ("BODY=BINARYMIME", reply::BAD_ARGUMENT),
            ("AUTH=<>", reply::UNKNOWN_PARAMETER),
            ("SMTPUTF8", reply::UNKNOWN_PARAMETER),
        ] {
            assert_eq!(parse(&format!("MAIL FROM:<a@b> {parameter}")), Err(answer), "{parameter}");
        }
        assert_eq!(parse("RCPT TO:<a@b> NOTIFY=NEVER"), Err(reply::UNKNOWN_PARAMETER));
    }

    #[test]
    fn what_is_no_command_is_refused() {
        for unknown in ["", "STARTTLS", "AUTH PLAIN", "EXPN x", "DATAX", "MÄIL", "QUIT\tnow"] {
            assert_eq!(parse(unknown), Err(reply::UNKNOWN), "{unknown}");
        }
        assert_eq!(Command::parse(b"NOOP \xff"), Err(reply::UNKNOWN));
        for lacking in ["EHLO", "HELO ", "VRFY", "MAIL", "RCPT", "DATA now", "QUIT now", "RSET x"] {
            assert_eq!(parse(lacking), Err(reply::BAD_ARGUMENT), "{lacking}");
        }
        assert!(reply::TOO_LARGE.contains(&LARGEST.to_string()));
    }
}
