//! An SMTP server that answers as it is told to, and remembers what it was told.
use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// What is answered to something else than usual. Commands are known by how they begin; the
/// greeting is `connect`, and the end of a mail is `.`.
pub(crate) type Answers = &'static [(&'static str, Answer)];

/// What the server does where it is asked something.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// Says this line, or these.
    Says(&'static str),
    /// Says nothing, until the client leaves.
    Silence,
    /// Closes the connection.
    HangUp,
}

/// A server. It stops when it is dropped.
pub(crate) struct SmtpServer {
    /// `smtp://…`
    pub(crate) url: String,
    told: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl SmtpServer {
    /// Starts a server that takes every mail, but for these answers.
    pub(crate) async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("smtp://{}", listener.local_addr().expect("an address"));
        let told = Arc::<Mutex<Vec<String>>>::default();
        let hears = Arc::clone(&told);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                conversations.spawn(converse(connection, answers, Arc::clone(&hears)));
            }
        });
        Self { url, told, _serving: serving }
    }

    /// All lines that it was told, in order.
    pub(crate) fn told(&self) -> Vec<String> {
        self.told.lock().expect("no test has failed").clone()
    }

    /// The mails that it was told, each from its head to its end.
    pub(crate) fn mails(&self) -> Vec<String> {
        let told = self.told().join("\n");
        let mails = told.split("\nDATA\n").skip(1);
        mails.filter_map(|rest| rest.split_once("\n.\n")).map(|(mail, _)| mail.to_owned()).collect()
    }
}

async fn converse(connection: TcpStream, answers: Answers, told: Arc<Mutex<Vec<String>>>) {
    let mut connection = BufReader::new(connection);
    let mut asked = "connect".to_owned();
    let mut in_mail = false;
    loop {
        if !in_mail || asked == "." {
            let Some(said) = answer(&asked, answers) else { return };
            in_mail = said.starts_with("354");
            match said {
                "" => {}
                said if write(&mut connection, said).await.is_err() => return,
                said if said.starts_with("221") => return,
                _ => {}
            }
        }
        asked.clear();
        match connection.read_line(&mut asked).await {
            Ok(length) if length > 0 => asked.truncate(asked.trim_end().len()),
            Ok(_) | Err(_) => return,
        }
        told.lock().expect("no test has failed").push(asked.clone());
    }
}

/// What is said; nothing, where the server is silent; and none, where it hangs up.
fn answer(asked: &str, answers: Answers) -> Option<&'static str> {
    match answers.iter().find(|(command, _)| asked.starts_with(command)) {
        Some((_, Answer::Says(said))) => Some(said),
        Some((_, Answer::Silence)) => Some(""),
        Some((_, Answer::HangUp)) => None,
        None => Some(match asked.split(' ').next().unwrap_or_default() {
            "connect" => "220 ready",
            "EHLO" => "250-here\r\n250 AUTH PLAIN",
            "AUTH" => "235 welcome",
            "MAIL" | "RCPT" | "." => "250 fine",
            "DATA" => "354 go on",
            "QUIT" => "221 bye",
            _ => "500 what?",
        }),
    }
}

async fn write(connection: &mut BufReader<TcpStream>, said: &str) -> std::io::Result<()> {
    connection.write_all(format!("{said}\r\n").as_bytes()).await
}
