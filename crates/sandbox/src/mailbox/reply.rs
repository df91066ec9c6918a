//! What the mailbox says, word for word. When it says it is the dialogue's.

/// One line, without its end.
pub(crate) type Reply = &'static str;

pub(crate) const GREETING: Reply = "220 sandbox ESMTP: keeps every mail and sends none on";
pub(crate) const HELLO: Reply = "250 sandbox";
pub(crate) const OK: Reply = "250 OK";
pub(crate) const UNVERIFIED: Reply = "252 Every recipient is as good as another, send the mail";
pub(crate) const START: Reply = "354 Send the mail, and end it with a dot on a line of its own";
pub(crate) const BYE: Reply = "221 Bye";

pub(crate) const IDLE: Reply = "421 Nothing was heard for too long";
pub(crate) const CROWDED: Reply = "421 Too many connections";
pub(crate) const BUSY: Reply = "451 This recipient is busy: try again";
pub(crate) const TOO_MANY_RECIPIENTS: Reply = "452 Too many recipients";
pub(crate) const UNKNOWN: Reply = "500 Unknown command";
pub(crate) const LINE_TOO_LONG: Reply = "500 A line is longer than 1000 bytes with its end";
pub(crate) const STRAY: Reply = "500 A line has a CR or a LF inside";
pub(crate) const BAD_ARGUMENT: Reply = "501 Bad argument";
pub(crate) const OUT_OF_ORDER: Reply = "503 This command comes out of order";
pub(crate) const REJECTED: Reply = "550 There is no such recipient";
pub(crate) const TOO_LARGE: Reply = "552 The mail is larger than 10485760 bytes";
pub(crate) const UNKNOWN_PARAMETER: Reply = "555 Unknown parameter";
