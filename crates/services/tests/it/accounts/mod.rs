//! Signing up and in, staying in, and leaving; passwords, codes, second factors, addresses,
//! members, and the mails about all of that.
mod closing;
mod codes;
mod cookies;
mod devices;
mod email_changes;
mod invitations;
mod login;
mod logout;
mod mails;
mod members;
mod mfa;
mod operators;
mod password_changes;
mod profile;
mod races;
mod reauthentication;
mod refresh;
mod registration;
mod resets;
mod roles;
mod second_factors;
mod secrecy;
mod sessions;
mod simulation;
mod theft;
mod throttling;
mod verification;
mod without_mail;

use cape_domain::{
    access::{Permission, Permit, Role},
    accounts::{Email, Letter, MailKind, Membership, Password, PresentedToken, User, Verification},
    ids::{UserId, WorkspaceId},
    secret::Secret,
    store::{Durability, Scope, Store as _},
};
use cape_services::accounts::{Login, NewUser, SignInError, SignedIn};
use cape_testkit::fixtures::{ACME, ADA, PASSWORD, at, id, membership, profile, user, workspace};

use crate::world::{World, client, origin, signed_in};

/// Who signs up in most tests.
pub const GRACE: &str = "grace@example.com";

pub fn address(text: &str) -> Email {
    text.parse().expect("an address")
}

/// What ADA signs in with.
pub fn ada() -> Email {
    user(ADA).email
}

/// What somebody fills in who signs up with this address.
pub fn newcomer(email: &str) -> NewUser {
    NewUser {
        email: address(email),
        password: Password::given(PASSWORD),
        full_name: None,
        company: None,
        user_type: cape_domain::accounts::UserType::Customer,
        invitation: None,
    }
}

pub async fn register(world: &World, new: NewUser) {
    world.accounts.registration.register(origin(), new).await.expect("registered");
}

/// The user of this number, as it is, with a workspace of its own.
pub async fn given_a_user(world: &World, user: &User) -> WorkspaceId {
    let own = WorkspaceId::new(id(user.id.raw().as_u128() + 1_000));
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.users().insert(user, &profile(user.id)).await.expect("inserted");
    work.workspaces().insert(&workspace(own)).await.expect("inserted");
    work.workspaces().add(&membership(own, user.id)).await.expect("added");
    work.commit().await.expect("commit");
    own
}

/// The user of this number, whose address nobody vouched for.
pub async fn given_an_unverified_user(world: &World, number: u128) -> User {
    let user = User { verification: Verification::Pending, ..user(UserId::new(id(number))) };
    given_a_user(world, &user).await;
    user
}

/// The user of this number, who has a workspace of its own and a place in ACME.
pub async fn given_a_member(world: &World, number: u128, role: Role) -> User {
    let user = user(UserId::new(id(number)));
    given_a_user(world, &user).await;
    let place = Membership { role, created_at: at(1), ..membership(ACME, user.id) };
    let mut work = world.store.begin(Scope::Platform, Durability::Power).await.expect("begin");
    work.workspaces().add(&place).await.expect("added");
    work.commit().await.expect("commit");
    user
}

/// Shows a password.
pub async fn show(world: &World, email: &Email, password: &str) -> Result<Login, SignInError> {
    let password = Password::given(password);
    world.accounts.login.with_password(&client(), email, &password).await
}

/// Signs somebody in with the usual password.
pub async fn sign_in(world: &World, email: &Email) -> SignedIn {
    signed_in(show(world, email, PASSWORD).await.expect("the right password"))
}

/// What whoever holds a pair is permitted, as a route finds out.
pub async fn permit_of<P: Permission>(world: &World, pair: &SignedIn) -> Permit<P> {
    let token = pair.access_token.expose();
    let caller = world.authenticator.person(token, origin()).await.expect("recognised");
    world.authenticator.permit(caller).expect("permitted")
}

/// Sends every letter that is due.
pub async fn deliver(world: &World) {
    while world.jobs.run_due().await.expect("run") > 0 {}
}

/// The newest letter to somebody, after all that are due were sent.
pub async fn letter(world: &World, to: &Email) -> Letter {
    deliver(world).await;
    world.post.last_to(to).expect("a letter")
}

/// What has been sent to whom, the oldest first.
pub async fn sent(world: &World) -> Vec<(Email, MailKind)> {
    deliver(world).await;
    world.post.letters().into_iter().map(|letter| (letter.to, letter.kind)).collect()
}

/// The token in a letter's link.
pub fn link(letter: &Letter) -> PresentedToken {
    let link = letter.link.as_ref().expect("a link").expose();
    let (_, token) = link.split_once("token=").expect("a token");
    token.parse().expect("a token")
}

/// The digits in a letter.
pub fn code(letter: &Letter) -> Secret {
    letter.code.clone().expect("a code")
}

/// Digits that are as good as these, but for being wrong.
pub fn wrong(code: &Secret) -> Secret {
    let last = if code.expose().ends_with('7') { "8" } else { "7" };
    Secret::new(format!("{}{last}", &code.expose()[..5]))
}
