//! The way of a password: measured, chosen, hashed, compared.
use std::sync::Arc;

use cape_domain::{
    accounts::{
        Chooser, Email, Password, PasswordHasher as _, PasswordMeter as _, Verified, WeakPassword,
    },
    text::Name,
};
use cape_gateways::{
    accounts::{Argon2Hasher, Argon2Options, ZxcvbnMeter},
    secrets::OsSecrets,
};

#[test]
fn what_people_choose_is_judged_by_the_meter_and_the_rule_together() {
    use WeakPassword as W;
    let email: Email = "ada.lovelace@example.com".parse().expect("an address");
    let name: Name = "Ada Lovelace".parse().expect("a name");
    let chooser = Chooser { email: Some(&email), full_name: Some(&name), company: None };
    for (text, expected) in [
        ("", vec![W::TooShort, W::Monotonous]),
        ("password", vec![W::TooShort, W::Breached]),
        ("P4ssw0rd", vec![W::TooShort, W::Breached]),
        ("qwertyuiop123456", vec![W::Breached]),
        ("correcthorsebatterystaple", vec![W::Breached]),
        ("CorrectHorseBatteryStaple", vec![W::Breached]),
        ("lovelace1815", vec![W::LikeItsOwner]),
        ("abcabcabcabcabc", vec![W::Monotonous]),
        ("k7#vQ2xw", vec![W::TooShort]),
        ("k7#vQ2xwB", vec![]),
        ("nine purple trams in March", vec![]),
    ] {
        let appraisal = ZxcvbnMeter.appraise(text, chooser);
        let wrong = Password::choose(text, chooser, &appraisal).err().unwrap_or_default();
        assert_eq!(wrong, expected, "{text}: {appraisal:?}");
    }
}

#[tokio::test]
async fn the_longest_password_is_measured_chosen_hashed_and_compared() {
    let text = "Zoë's 9 trams, ".repeat(9).chars().take(Password::LONGEST).collect::<String>();
    let appraisal = ZxcvbnMeter.appraise(&text, Chooser::UNKNOWN);
    let password = Password::choose(text, Chooser::UNKNOWN, &appraisal).expect("a good one");
    let options = Argon2Options { memory_kib: 64, ..Argon2Options::default() };
    let hasher = Argon2Hasher::new(options, Arc::new(OsSecrets)).expect("a hasher");
    let hash = hasher.hash(&password).await.expect("a hash");
    let verdict = hasher.verify(&password, Some(&hash)).await.expect("a verdict");
    assert_eq!(verdict, Verified::Yes);
}
