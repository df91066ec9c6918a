//! What lets somebody in, and where: what is good at one door opens no other, what is good once is
//! good once however many present it, and what is heavy stays within bounds.
mod forger;
mod load;
mod matrix;
mod one_time;
mod operation;
mod phone;
mod races;
mod refreshes;

use std::future::Future;

use tokio::task::JoinSet;

use crate::app::{Answer, soon};

/// Presents something so many times at once.
async fn at_once<F>(times: usize, mut present: impl FnMut(usize) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let mut presented = JoinSet::new();
    for number in 0..times {
        presented.spawn(present(number));
    }
    soon(presented.join_all()).await
}

/// One was let in with this status, and all others were refused with this one and its code. It is
/// the one that is given back.
#[track_caller]
fn one(answers: Vec<Answer>, success: u16, refusal: (u16, &str)) -> Answer {
    let (mut let_in, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == success);
    for answer in refused {
        answer.problem(refusal.0, refusal.1);
    }
    assert_eq!(let_in.len(), 1, "so many were let in");
    let_in.remove(0)
}
