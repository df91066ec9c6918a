//! Telling people about devices they were never seen with.
use cape_domain::accounts::{MailKind, Password};
use cape_services::accounts::Client;
use cape_testkit::fixtures::PASSWORD;
use chrono::TimeDelta;

use super::{ada, letter, sent};
use crate::world::{World, client};

async fn sign_in_with(world: &World, device: Option<&str>) {
    let device = device.map(|device| device.parse().expect("a device"));
    let client = Client { device, ..client() };
    let password = Password::given(PASSWORD);
    world.accounts.login.with_password(&client, &ada(), &password).await.expect("signed in");
}

#[tokio::test]
async fn a_letter_comes_for_every_new_device_from_the_second_on() {
    let world = World::new().await;
    sign_in_with(&world, Some("Firefox")).await;
    sign_in_with(&world, Some("Firefox")).await;
    assert_eq!(sent(&world).await, [], "there was none before, and then the same");
    sign_in_with(&world, Some("curl")).await;
    assert_eq!(sent(&world).await, [(ada(), MailKind::NewDevice)]);
    let told = letter(&world, &ada()).await.detail.expect("a device");
    assert_eq!(told.as_str(), "curl, from 192.0.2.7");
    world.pass(TimeDelta::days(40)).await;
    for known in ["Firefox", "curl"] {
        sign_in_with(&world, Some(known)).await;
    }
    assert_eq!(sent(&world).await.len(), 1, "both are known");
}

#[tokio::test]
async fn a_program_that_does_not_say_what_it_is_is_a_device_too() {
    let world = World::new().await;
    sign_in_with(&world, Some("Firefox")).await;
    sign_in_with(&world, None).await;
    let told = letter(&world, &ada()).await.detail.expect("a device");
    assert_eq!(told.as_str(), "an unknown program, from 192.0.2.7");
    sign_in_with(&world, None).await;
    assert_eq!(sent(&world).await.len(), 1);
}
