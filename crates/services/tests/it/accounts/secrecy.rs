//! Nothing that opens anything is stored, or printed.
use cape_domain::{
    access::{KeyRules, ManageMembers, ManageMfa, Role},
    accounts::{Purpose, RecoveryCode},
    page::PageRequest,
    secret::Secret,
};
use cape_services::accounts::Login;
use cape_testkit::fixtures::{ACME, ADA, PASSWORD, permit};

use super::{GRACE, ada, address, deliver, newcomer, register, second_factors::shown, show};
use crate::world::{World, origin};

/// Everything that the store keeps about ADA, Grace and ACME, in a form that shows all of it.
async fn everything(world: &World) -> String {
    let mut look = world.look().await;
    let mut all = vec![format!("{:?} {:?}", world.entries().await, world.control().await)];
    let grace = look.users().find_by_email(&address(GRACE)).await.expect("found").expect("a user");
    for user in [ADA, grace.id] {
        let stored = look.users().find(user).await.expect("found").expect("a user");
        all.push(format!("{stored:?} {}", stored.password.expose()));
        all.push(format!("{:?}", look.mfa().totp(user).await.expect("found")));
        all.push(format!(
            "{:?}",
            look.sessions().live(user, world.base.now()).await.expect("found")
        ));
        for purpose in Purpose::ALL {
            let token = look.one_time().current(user, purpose).await.expect("found");
            all.push(format!("{token:?}"));
        }
    }
    let page = PageRequest::first();
    all.push(format!("{:?}", look.invitations().list(ACME, page).await.expect("listed")));
    all.push(format!("{:?}", look.api_keys().list(page).await.expect("listed")));
    all.concat()
}

fn secret_part(text: &str) -> String {
    let plain = text.rsplit(['.', '_', '=']).next().expect("a part");
    plain.to_owned()
}

#[tokio::test]
async fn no_token_code_or_secret_that_was_handed_out_is_stored() {
    let world = World::new().await;
    let mut handed_out: Vec<Secret> = Vec::new();
    register(&world, newcomer(GRACE)).await;
    let pair = world.ada_signs_in().await;
    handed_out.extend([pair.refresh_token.clone(), pair.csrf_token.clone()]);
    world.accounts.passwords.forgot(origin(), &ada()).await.expect("asked");
    world.accounts.login.request_code(origin(), &ada()).await.expect("asked");
    world
        .accounts
        .email_changes
        .request(permit(ACME), &address("new@example.com"))
        .await
        .expect("asked");
    let guest = address("guest@example.com");
    let permit_to_invite = permit::<ManageMembers>(ACME);
    world.accounts.members.invite(permit_to_invite, &guest, Role::Viewer).await.expect("invited");
    let name = "robot".parse().expect("a name");
    let key = world.keys.create(permit(ACME), name, KeyRules::unlimited()).await.expect("made");
    handed_out.push(key.secret);
    let setup = world.accounts.mfa.set_up(permit::<ManageMfa>(ACME)).await.expect("set up");
    let codes = world.accounts.mfa.switch_on(permit(ACME), &shown(&world)).await;
    handed_out.push(setup.secret);
    handed_out.extend(codes.expect("switched on").iter().map(RecoveryCode::reveal));
    let login = show(&world, &ada(), PASSWORD).await.expect("the right password");
    let Login::SecondFactor { challenge, .. } = login else { panic!("{login:?}") };
    handed_out.push(challenge);
    deliver(&world).await;
    for letter in world.post.letters() {
        handed_out.extend(letter.link.into_iter().chain(letter.code));
    }
    assert!(handed_out.len() > 20, "{}", handed_out.len());
    let stored = everything(&world).await;
    for secret in handed_out {
        let part = secret_part(secret.expose());
        assert!(!stored.contains(&part), "{}", secret.expose());
        assert!(!stored.contains(&part.replace('-', "")), "{}", secret.expose());
    }
}
