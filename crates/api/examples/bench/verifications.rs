//! The rate at which access tokens are verified, in this process, on one thread: tokens that come
//! for the first time, whose signatures are computed, and those that come again.
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use cape_domain::{
    access::{AccessClaims, AccessTokens as _, Role, TokenId},
    ids::{SessionId, UserId, WorkspaceId},
    secret::Secret,
};
use cape_gateways::access::{JwtOptions, JwtTokens};
use chrono::DateTime;
use uuid::Uuid;

/// How long each is measured.
const LASTING: Duration = Duration::from_secs(1);
/// How many are verified between two looks at the clock.
const AT_A_TIME: u32 = 100;

/// Verifications a second.
pub struct Verifications {
    /// Of tokens that come for the first time.
    pub first: f64,
    /// Of tokens that come again.
    pub again: f64,
}

/// Measures both.
pub fn measure() -> anyhow::Result<Verifications> {
    let tokens = JwtTokens::new(JwtOptions::new("capecontrol", "cape-api"), &[7; 32])?;
    let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap_or_default();
    let session = SessionId::new(Uuid::from_u128(2));
    let sign = |generation| {
        tokens.sign(&AccessClaims {
            user: UserId::new(Uuid::from_u128(1)),
            session,
            epoch: 1,
            workspace: WorkspaceId::new(Uuid::from_u128(3)),
            role: Role::Owner,
            operator: false,
            authenticated_at: now,
            issued_at: now,
            expires_at: now + AccessClaims::LIFE,
            id: TokenId { session, generation },
        })
    };
    let some = |from: u32| (from..from + AT_A_TIME).map(sign).collect::<Vec<Secret>>();
    let rate = |again: bool| {
        let (mut count, mut took, mut signed) = (0_u32, Duration::ZERO, some(0));
        while took < LASTING {
            if !again {
                signed = some(count);
            }
            let begun = Instant::now();
            for token in &signed {
                black_box(tokens.verify(black_box(token.expose()), now)?);
            }
            took += begun.elapsed();
            count += AT_A_TIME;
        }
        anyhow::Ok(f64::from(count) / took.as_secs_f64())
    };
    Ok(Verifications { first: rate(false)?, again: rate(true)? })
}
