//! Signing up.
use cape_domain::{
    access::{Principal, Role},
    accounts::{MailKind, Password, Profile, Purpose, User, UserType, Workspace},
    audit::{Action, Vault as _},
    billing::{Credits, GrantSource, TransactionKind},
    ids::WorkspaceId,
    store::StoreError,
};
use cape_services::accounts::{NewUser, RegistrationError};
use cape_testkit::fixtures::{PASSWORD, credits};
use tokio::task::JoinSet;

use super::{GRACE, address, letter, link, newcomer, sent};
use crate::world::{ADDRESS, Setup, World, origin};

fn grace() -> NewUser {
    NewUser {
        full_name: Some("Grace Hopper".parse().expect("a name")),
        user_type: UserType::Developer,
        ..newcomer(GRACE)
    }
}

async fn registered(world: &World) -> (User, WorkspaceId) {
    world.accounts.registration.register(origin(), grace()).await.expect("registered");
    let user = world.user(GRACE).await.expect("a user");
    let mut look = world.look().await;
    let places = look.workspaces().memberships(user.id).await.expect("places");
    (user, places[0].workspace)
}

#[tokio::test]
async fn who_signs_up_gets_a_profile_and_a_workspace_of_its_own() {
    let world = World::new().await;
    let (user, own) = registered(&world).await;
    assert_eq!((user.user_type, user.is_verified()), (UserType::Developer, false));
    let mut look = world.look().await;
    let profile = look.users().profile(user.id).await.expect("found").expect("a profile");
    let Profile { full_name, company, .. } = profile;
    assert_eq!((full_name, company), (grace().full_name, None));
    let workspace = look.workspaces().find(own).await.expect("found");
    assert!(matches!(workspace, Some(Workspace { id, .. }) if id == own));
    let places = look.workspaces().memberships(user.id).await.expect("places");
    assert_eq!(places.iter().map(|place| place.role).collect::<Vec<_>>(), [Role::Owner]);
}

#[tokio::test]
async fn a_known_address_is_answered_alike_and_nothing_changes() {
    let world = World::new().await;
    let (user, own) = registered(&world).await;
    let (entries, balance) = (world.entries().await, world.balance(own).await);
    let again = NewUser {
        email: "GRACE@Example.com".parse().expect("an address"),
        password: Password::given("another password"),
        user_type: UserType::Customer,
        ..grace()
    };
    world.accounts.registration.register(origin(), again).await.expect("the same answer");
    assert_eq!(world.user(GRACE).await, Some(user));
    assert_eq!(world.entries().await, entries);
    assert_eq!(world.balance(own).await, balance);
}

#[tokio::test]
async fn a_new_user_is_sent_a_link_and_a_code() {
    let world = World::new().await;
    let (user, _) = registered(&world).await;
    let letter = letter(&world, &user.email).await;
    assert_eq!((letter.kind, letter.to.as_str()), (MailKind::VerifyEmail, GRACE));
    let text = letter.link.as_ref().expect("a link").expose();
    assert!(text.starts_with("https://cape.example/verify?token=cape_ot_"), "{text}");
    let code = letter.code.as_ref().expect("a code").expose();
    assert!(code.len() == 6 && code.bytes().all(|digit| digit.is_ascii_digit()), "{code}");
    let mut look = world.look().await;
    let token = look.one_time().find(link(&letter).id).await.expect("found").expect("a token");
    assert_eq!((token.user, token.purpose), (user.id, Purpose::VerifyEmail));
}

#[tokio::test]
async fn the_owner_of_a_known_address_is_told_that_somebody_tried_it() {
    let world = World::new().await;
    registered(&world).await;
    let first = sent(&world).await;
    let again = NewUser { password: Password::given("another password"), ..grace() };
    world.accounts.registration.register(origin(), again).await.expect("the same answer");
    let told = (address(GRACE), MailKind::AddressTaken);
    assert_eq!(sent(&world).await, [&first[..], &[told]].concat());
    let letter = letter(&world, &address(GRACE)).await;
    assert_eq!((letter.link, letter.code), (None, None));
}

#[tokio::test]
async fn both_write_one_letter_and_hash_once() {
    let world = World::new().await;
    for expected in [1, 2] {
        world.accounts.registration.register(origin(), grace()).await.expect("the same answer");
        assert_eq!(world.backlog().await.waiting, expected);
    }
}

#[tokio::test]
async fn a_new_workspace_is_welcomed_with_credits_once() {
    let world = World::new().await;
    let (_, own) = registered(&world).await;
    world.accounts.registration.register(origin(), grace()).await.expect("the same answer");
    let lots = world.grants(own).await;
    let given: Vec<_> = lots.iter().map(|lot| (lot.source, lot.amount, lot.remaining)).collect();
    assert_eq!(given, [(GrantSource::Promotion, credits(100), credits(100))]);
    assert_eq!(world.balance(own).await.available, credits(100));
    let transactions = world.transactions(own).await;
    let [welcome] = &transactions[..] else { panic!("{transactions:?}") };
    assert_eq!(welcome.kind, TransactionKind::Promotion);
    assert_eq!(welcome.key, format!("promotion:welcome:{own}"));
    assert_eq!(world.actions().await, [Action::UserRegistered, Action::CreditsGranted]);
    assert_eq!(world.entries().await[1].subject, lots[0].id.to_string());
    world.proves_its_ledger().await;
}

#[tokio::test]
async fn where_nothing_is_given_away_a_workspace_begins_with_nothing() {
    let world = World::with(Setup { welcome: Credits::ZERO, ..Setup::default() }).await;
    let (_, own) = registered(&world).await;
    assert_eq!(world.grants(own).await, []);
    assert_eq!(world.actions().await, [Action::UserRegistered]);
}

#[tokio::test]
async fn the_entry_tells_who_signed_up_and_where_from_under_its_own_key() {
    let world = World::new().await;
    let (user, own) = registered(&world).await;
    let entry = world.entries().await.remove(0);
    assert_eq!((entry.workspace, entry.subject), (own, user.id.to_string()));
    assert_eq!(entry.principal, Principal::Visitor);
    let sealed = entry.personal.expect("an address");
    let key = world.look().await.personal_keys().find(user.id).await.expect("found");
    let opened = world.vault.open(&key.expect("a key"), &sealed).expect("opened");
    assert_eq!(opened, format!("{{\"address\":\"{ADDRESS}\"}}"));
}

#[tokio::test]
async fn neither_an_address_nor_a_name_is_in_the_trail_in_the_clear() {
    let world = World::new().await;
    registered(&world).await;
    let shown = format!("{:?}", world.entries().await);
    for personal in [GRACE, "Grace", "192.0.2.7", PASSWORD] {
        assert!(!shown.contains(personal), "{personal} in {shown}");
    }
}

#[tokio::test]
async fn nobody_is_signed_up_while_the_store_is_away() {
    let world = World::new().await;
    world.unsteady.set_down(true);
    let refused = world.accounts.registration.register(origin(), grace()).await;
    let unavailable = matches!(refused, Err(RegistrationError::Store(StoreError::Unavailable(_))),);
    assert!(unavailable, "{refused:?}");
    assert_eq!(world.user(GRACE).await, None);
}

#[tokio::test]
async fn a_lost_race_is_run_again() {
    let world = World::new().await;
    world.unsteady.conflict(2);
    registered(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_sign_up_with_one_address_at_once_one_does() {
    let world = World::new().await;
    let mut all = JoinSet::new();
    for _ in 0..16 {
        let registration = world.accounts.registration.clone();
        all.spawn(async move { registration.register(origin(), grace()).await });
    }
    assert!(all.join_all().await.into_iter().all(|answer| answer.is_ok()));
    let actions = world.actions().await;
    assert_eq!(actions, [Action::UserRegistered, Action::CreditsGranted]);
    world.proves_its_ledger().await;
}
