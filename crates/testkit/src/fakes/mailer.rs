//! Letters, as far as the box.
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cape_domain::accounts::{DeliveryError, Email, Letter, Mailer};

/// Keeps every letter, unless told otherwise. Clones are handles to the same box.
#[derive(Clone, Debug, Default)]
pub struct PostBox(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    letters: Vec<Letter>,
    refusing: bool,
    failures: usize,
}

impl PostBox {
    /// What was delivered, the oldest first.
    #[must_use]
    pub fn letters(&self) -> Vec<Letter> {
        self.state().letters.clone()
    }

    /// The newest letter to somebody.
    #[must_use]
    pub fn last_to(&self, receiver: &Email) -> Option<Letter> {
        self.state().letters.iter().rfind(|letter| letter.to == *receiver).cloned()
    }

    /// Forgets what was delivered.
    pub fn clear(&self) {
        self.state().letters.clear();
    }

    /// From now on it refuses every letter for good, or none.
    pub fn set_refusing(&self, refusing: bool) {
        self.state().refusing = refusing;
    }

    /// So many deliveries from now on come to nothing, and trying again helps.
    pub fn fail(&self, times: usize) {
        self.state().failures = times;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Mailer for PostBox {
    async fn deliver(&self, letter: &Letter) -> Result<(), DeliveryError> {
        let mut state = self.state();
        if let Some(left) = state.failures.checked_sub(1) {
            state.failures = left;
            return Err(DeliveryError::Unavailable("the box cannot be reached".into()));
        }
        if state.refusing {
            return Err(DeliveryError::Refused("nobody lives there".to_owned()));
        }
        state.letters.push(letter.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cape_domain::{
        accounts::{Mail, MailKind},
        ids::UserId,
    };

    use super::*;
    use crate::fixtures::{ADA, EVE, mail, user};

    fn letter(number: u32, to: UserId) -> Letter {
        let Mail { id, kind, detail, created_at: at, .. } = mail(number);
        let to = user(to).email;
        Letter { id, to, kind, detail, link: None, code: None, link_life: None, at }
    }

    #[tokio::test]
    async fn letters_are_kept_until_they_are_cleared() {
        let post = PostBox::default();
        let sent = [letter(10, ADA), letter(11, EVE), letter(12, ADA)];
        for letter in &sent {
            post.clone().deliver(letter).await.expect("delivered");
        }
        assert_eq!(post.letters(), sent);
        assert_eq!(post.last_to(&user(ADA).email), Some(sent[2].clone()));
        assert_eq!(sent[0].kind, MailKind::Welcome);
        post.clear();
        assert_eq!(post.last_to(&user(ADA).email), None);
    }

    #[tokio::test]
    async fn it_fails_as_often_as_it_is_told_to_and_refuses_as_long() {
        let post = PostBox::default();
        post.fail(1);
        post.set_refusing(true);
        let deliver = async || post.deliver(&letter(10, ADA)).await;
        assert!(matches!(deliver().await, Err(DeliveryError::Unavailable(_))));
        assert!(matches!(deliver().await, Err(DeliveryError::Refused(_))));
        assert!(matches!(deliver().await, Err(DeliveryError::Refused(_))));
        post.set_refusing(false);
        assert!(deliver().await.is_ok());
        assert_eq!(post.letters(), [letter(10, ADA)]);
    }
}
