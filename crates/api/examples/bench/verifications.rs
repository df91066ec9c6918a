//! The rate at which access tokens are verified: in this process, on one thread.
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use cape_domain::{
    access::{AccessClaims, AccessTokens as _, Role, TokenId},
    ids::{SessionId, UserId, WorkspaceId},
};
use cape_gateways::access::{JwtOptions, JwtTokens};
use chrono::DateTime;
use uuid::Uuid;

/// How long it is measured.
const LASTING: Duration = Duration::from_secs(2);
/// How many are verified between two looks at the clock.
const AT_A_TIME: u32 = 100;

/// Verifications a second.
pub fn rate() -> anyhow::Result<f64> {
    let tokens = JwtTokens::new(JwtOptions::new("capecontrol", "cape-api"), &[7; 32])?;
    let now = DateTime::from_timestamp(1_900_000_000, 0).unwrap_or_default();
    let session = SessionId::new(Uuid::from_u128(2));
    let token = tokens.sign(&AccessClaims {
        user: UserId::new(Uuid::from_u128(1)),
        session,
        epoch: 1,
        workspace: WorkspaceId::new(Uuid::from_u128(3)),
        role: Role::Owner,
        authenticated_at: now,
        issued_at: now,
        expires_at: now + AccessClaims::LIFE,
        id: TokenId { session, generation: 1 },
    });
    let begun = Instant::now();
    let mut count = 0_u32;
    while begun.elapsed() < LASTING {
        for _ in 0..AT_A_TIME {
            black_box(tokens.verify(black_box(token.expose()), now)?);
        }
        count += AT_A_TIME;
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}
