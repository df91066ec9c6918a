//! Mails that are to be sent, and moves to other addresses, which need some.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    accounts::{EmailChange, Mail, MailKind, Side},
    ids::{MailId, UserId},
    store::{Durability, Scope, Store, StoreError},
};

use super::super::conflicts::is_conflict;
use crate::fixtures::{ADA, EVE, at, email_change, mail};

/// With every kind, whether it is known whom it is about, and whatever there is to say.
pub async fn a_mail_is_read_back_as_it_was(store: &dyn Store) {
    let stranger = Mail {
        to: "nobody@example.com".parse().expect("an address"),
        user: None,
        detail: Some("Zoë's Browser/7.0 (🔑)".parse().expect("a detail")),
        ..mail(9)
    };
    let of_kind = |(kind, number)| Mail { kind, ..mail(number) };
    let all: Vec<Mail> = MailKind::ALL.into_iter().zip(10..).map(of_kind).collect();
    for mail in all.iter().chain([&stranger]) {
        insert(store, mail).await.expect("insert");
        assert_eq!(find(store, mail.id).await.as_ref(), Some(mail));
    }
}

/// Nothing is left of it, and what is not there can be removed.
pub async fn a_mail_is_stored_once_and_removed(store: &dyn Store) {
    insert(store, &mail(10)).await.expect("insert");
    insert(store, &mail(11)).await.expect("insert");
    let again = insert(store, &Mail { kind: MailKind::NewDevice, ..mail(10) }).await;
    assert!(is_conflict(&again), "{again:?}");
    assert_eq!(find(store, mail(10).id).await, Some(mail(10)));
    for _ in 0..2 {
        let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        work.mails().remove(mail(10).id).await.expect("remove");
        work.commit().await.expect("commit");
        assert_eq!(find(store, mail(10).id).await, None);
        assert_eq!(find(store, mail(11).id).await, Some(mail(11)));
    }
}

/// A user has one under way: the next takes its place, with whatever was agreed to.
pub async fn a_move_is_read_back_and_replaced(store: &dyn Store) {
    put_change(store, &email_change(EVE)).await;
    let elsewhere = EmailChange {
        new_email: "elsewhere@example.org".parse().expect("an address"),
        requested_at: at(9),
        ..email_change(ADA)
    };
    for change in [
        email_change(ADA),
        email_change(ADA).agree(Side::Old),
        email_change(ADA).agree(Side::New),
        email_change(ADA).agree(Side::Old).agree(Side::New),
        elsewhere,
    ] {
        put_change(store, &change).await;
        assert_eq!(find_change(store, ADA).await, Some(change));
    }
    assert_eq!(find_change(store, EVE).await, Some(email_change(EVE)));
}

/// Two may be on their way to one address: it is taken by whoever arrives.
pub async fn a_move_is_removed_and_that_of_others_is_not(store: &dyn Store) {
    let rival = EmailChange { user: EVE, ..email_change(ADA) };
    put_change(store, &email_change(ADA)).await;
    put_change(store, &rival).await;
    for _ in 0..2 {
        let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
        work.email_changes().remove(ADA).await.expect("remove");
        work.commit().await.expect("commit");
        assert_eq!(find_change(store, ADA).await, None);
        assert_eq!(find_change(store, EVE).await.as_ref(), Some(&rival));
    }
}

async fn insert(store: &dyn Store, mail: &Mail) -> Result<(), StoreError> {
    let mut work = store.begin(Scope::Platform, Durability::Power).await?;
    work.mails().insert(mail).await?;
    work.commit().await
}

async fn find(store: &dyn Store, id: MailId) -> Option<Mail> {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.mails().find(id).await.expect("find")
}

async fn put_change(store: &dyn Store, change: &EmailChange) {
    let mut work = store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.email_changes().put(change).await.expect("put");
    work.commit().await.expect("commit");
}

async fn find_change(store: &dyn Store, user: UserId) -> Option<EmailChange> {
    let mut read = store.read(Scope::Platform).await.expect("read");
    read.email_changes().find(user).await.expect("find")
}
