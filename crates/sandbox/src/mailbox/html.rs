//! The pages on which mails are read.
use std::{fmt::Write as _, sync::Arc};

use super::message::Message;
use crate::html::{escape, page};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:3rem auto;\
                     padding:0 1rem}th,td{padding:.25rem 1rem .25rem 0;text-align:left;\
                     vertical-align:top;overflow-wrap:anywhere}pre{white-space:pre-wrap;\
                     overflow-wrap:anywhere}iframe{width:100%;height:30rem;border:1px solid}";
/// Links in a mail open beside it, on pages that are not bound by the frame around the mail.
const FRAME: &str = "allow-popups allow-popups-to-escape-sandbox";
const BASE: &str = "<base target=\"_blank\">";

/// All mails, in the order that they are given in.
pub(crate) fn list(messages: &[Arc<Message>], url: &str) -> String {
    let mut body = format!("<p>Sandbox: mail sent to {} arrives here alone.</p>\n", escape(url));
    if messages.is_empty() {
        body.push_str("<p>There is none.</p>\n");
        return page("Mailbox", STYLE, &body);
    }
    body.push_str("<table>\n<tr><th>Received</th><th>From</th><th>To</th><th>Subject</th></tr>\n");
    for message in messages {
        let (id, subject) = (escape(&message.id), escape(title(message)));
        let (from, to) = (escape(&message.envelope.from), escape(&message.envelope.to.join(", ")));
        let _ = writeln!(
            body,
            "<tr><td>{}</td><td>{from}</td><td>{to}</td>\
             <td><a href=\"/mailbox/{id}\">{subject}</a></td></tr>",
            message.received()
        );
    }
    body.push_str("</table>\n");
    page("Mailbox", STYLE, &body)
}

/// One mail: who sent it to whom, its text, its HTML in a frame that runs nothing, its source.
pub(crate) fn message(message: &Message) -> String {
    let to = message.envelope.to.join(", ");
    let mut body = String::from("<p><a href=\"/mailbox\">All mail</a></p>\n<table>\n");
    row(&mut body, "Received", &message.received());
    row(&mut body, "Envelope from", &message.envelope.from);
    row(&mut body, "Envelope to", &to);
    for (name, value) in &message.headers {
        row(&mut body, name, value);
    }
    body.push_str("</table>\n");
    if let Some(text) = &message.content.text {
        let _ = writeln!(body, "<h2>Text</h2>\n<pre>\n{}</pre>", escape(text));
    }
    if let Some(html) = &message.content.html {
        let framed = escape(&format!("{BASE}{html}"));
        let _ = writeln!(
            body,
            "<h2>HTML</h2>\n<iframe title=\"HTML\" sandbox=\"{FRAME}\" srcdoc=\"{framed}\">\
             </iframe>"
        );
    }
    let source = escape(&String::from_utf8_lossy(&message.source));
    let _ = writeln!(
        body,
        "<h2>Source</h2>\n<details><summary>{} bytes</summary>\n<pre>\n{source}</pre></details>",
        message.source.len()
    );
    page(title(message), STYLE, &body)
}

/// Where a mail was asked for that is not there.
pub(crate) fn missing() -> String {
    let body = "<p>There is no such mail, or it made room for others.</p>\n\
                <p><a href=\"/mailbox\">All mail</a></p>\n";
    page("No such mail", STYLE, body)
}

fn title(message: &Message) -> &str {
    message.subject().filter(|subject| !subject.trim().is_empty()).unwrap_or("(no subject)")
}

fn row(body: &mut String, name: &str, value: &str) {
    let _ = writeln!(body, "<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value));
}
