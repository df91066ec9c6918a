//! Invitations.
#![expect(clippy::missing_panics_doc, reason = "said once, at the head of the area")]
use cape_domain::{
    access::Role,
    accounts::Invitation,
    ids::InvitationId,
    page::{Page, PageRequest},
    store::{Durability, Scope, Store, StoreError},
};
use chrono::TimeDelta;
use futures_util::future::join_all;

use super::super::{FOREIGN, OWN, conflicts::retried, everything, pages};
use crate::fixtures::{ACME, EVE, RIVAL, at, invitation};

/// Everything about an invitation comes back as it was.
pub async fn an_invitation_is_read_back_with_every_role(store: &dyn Store) {
    for (role, number) in Role::ALL.into_iter().zip(10..) {
        let invitation = Invitation { role, salt: [0xFF; 32], ..invitation(number) };
        put(store, OWN, &invitation).await.expect("put");
        assert_eq!(find(store, OWN, invitation.id).await, Some(invitation));
    }
}

/// In every way of looking; nobody invites to a workspace of somebody else's, or takes an
/// invitation to it back.
pub async fn an_invitation_is_seen_within_its_scope_alone(store: &dyn Store) {
    let foreign = Invitation { workspace: RIVAL, invited_by: EVE, ..invitation(11) };
    put(store, OWN, &invitation(10)).await.expect("put");
    put(store, FOREIGN, &foreign).await.expect("put");
    let refused = put(store, FOREIGN, &invitation(12)).await;
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    assert!(!consume(store, FOREIGN, invitation(10).id).await.expect("consume"));
    for (scope, own) in [(OWN, true), (FOREIGN, false), (Scope::Platform, true)] {
        let seen: Vec<_> = own.then(|| invitation(10)).into_iter().collect();
        assert_eq!(find(store, scope, invitation(10).id).await.as_ref(), seen.first());
        assert_eq!(list(store, scope, everything()).await.rows, seen);
    }
}

/// One address has one invitation to a workspace, and the last one stands. Others stay, and so
/// does the one of the same address to another workspace.
pub async fn an_invitation_replaces_the_one_of_the_same_address(store: &dyn Store) {
    let first = invitation(10);
    let email = first.email.clone();
    let foreign = Invitation { workspace: RIVAL, email: email.clone(), ..invitation(11) };
    for other in [&first, &foreign, &invitation(12)] {
        put(store, Scope::Platform, other).await.expect("put");
    }
    let next = Invitation { email, role: Role::Owner, ..invitation(13) };
    put(store, OWN, &next).await.expect("put");
    assert_eq!(find(store, OWN, first.id).await, None);
    assert_eq!(list(store, OWN, everything()).await.rows, [next, invitation(12)]);
    assert_eq!(find(store, FOREIGN, foreign.id).await, Some(foreign));
}

/// Pages follow one another without a gap or a repetition; of one instant, the higher id comes
/// first. Whether they are still good does not matter.
pub async fn invitations_are_listed_newest_first_page_by_page(store: &dyn Store) {
    let mut all: Vec<Invitation> = (10..17).map(invitation).collect();
    // One whose id is the newest, and whose time is not; and two of one instant.
    all[6].created_at = all[2].created_at + TimeDelta::microseconds(1);
    all[1].created_at = all[0].created_at;
    all[4].expires_at = at(0);
    for place in [3, 0, 6, 4, 2, 1, 5] {
        put(store, OWN, &all[place]).await.expect("put");
    }
    let expected: Vec<_> = [5, 4, 3, 6, 2, 1, 0].map(|place| all[place].clone()).into();
    assert_eq!(pages(2, async |page| list(store, OWN, page).await).await, expected);
    assert_eq!(pages(7, async |page| list(store, OWN, page).await).await, expected);
}

/// What was accepted or taken back is gone, and nothing else is.
pub async fn an_invitation_is_consumed_once(store: &dyn Store) {
    for number in [10, 11] {
        put(store, OWN, &invitation(number)).await.expect("put");
    }
    assert!(consume(store, Scope::Platform, invitation(10).id).await.expect("consume"));
    assert!(!consume(store, Scope::Platform, invitation(10).id).await.expect("consume"));
    assert_eq!(find(store, OWN, invitation(10).id).await, None);
    assert_eq!(list(store, OWN, everything()).await.rows, [invitation(11)]);
}

/// The test and the deletion are one statement.
pub async fn of_eight_who_consume_an_invitation_one_succeeds(store: &dyn Store) {
    put(store, OWN, &invitation(10)).await.expect("put");
    let accept = || retried(async || consume(store, OWN, invitation(10).id).await);
    let outcomes = join_all((0..8).map(|_| accept())).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let consumed = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
    assert_eq!(consumed, 1, "{outcomes:?}");
}

async fn put(store: &dyn Store, scope: Scope, invitation: &Invitation) -> Result<(), StoreError> {
    let mut work = store.begin(scope, Durability::Power).await?;
    work.invitations().put(invitation).await?;
    work.commit().await
}

async fn consume(store: &dyn Store, scope: Scope, id: InvitationId) -> Result<bool, StoreError> {
    let mut work = store.begin(scope, Durability::Power).await?;
    let consumed = work.invitations().consume(id).await?;
    work.commit().await?;
    Ok(consumed)
}

async fn find(store: &dyn Store, scope: Scope, id: InvitationId) -> Option<Invitation> {
    let mut read = store.read(scope).await.expect("read");
    read.invitations().find(id).await.expect("find")
}

async fn list(store: &dyn Store, scope: Scope, page: PageRequest) -> Page<Invitation> {
    let mut read = store.read(scope).await.expect("read");
    read.invitations().list(ACME, page).await.expect("list")
}
