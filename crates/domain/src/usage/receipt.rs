//! The receipt of a call: what it used, by which prices, and which credits paid for it.
use crate::{
    billing::{Correction, Credits, GrantSource, Hold, Overage},
    ids::GrantId,
    usage::{Call, CallState, CredentialUsed, Metered, PriceBook, TokenPrices},
};

/// The receipt of a call. All of it is what was stored; nothing is computed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The call.
    pub call: Call,
    /// What a token and a call cost whoever paid the provider: see [`Call::prices`].
    pub prices: Option<TokenPrices>,
    /// What was set aside for it. None, for a model that costs nothing.
    pub hold: Option<Hold>,
    /// The lots that paid for it out of what was set aside, in the order in which they were used.
    pub lots: Vec<LotUse>,
    /// What was not covered by what was set aside.
    pub overage: Overage,
    /// What was moved once more, when an estimate turned out to be wrong.
    pub correction: Correction,
}

/// What one lot of credits paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotUse {
    /// The lot.
    pub grant: GrantId,
    /// Why its credits were given.
    pub source: GrantSource,
    /// How much it paid.
    pub amount: Credits,
}

impl Call {
    /// The prices that its cost was computed by. None for a call that came to nothing, and where
    /// the price book no longer has them: those that do not lead to the stored cost are not they.
    #[must_use]
    pub fn prices(&self, book: &PriceBook) -> Option<TokenPrices> {
        let metered = match &self.state {
            CallState::Running { so_far } => so_far,
            CallState::Settled { metered, .. } => metered,
            CallState::Failed { .. } => return None,
        };
        let mut versions = book.ever(&self.model)?.prices.iter();
        let price = &versions.find(|version| version.version == self.price_version)?.price;
        let Metered { tokens, estimated, .. } = *metered;
        let again = Metered::of(price, self.markup, self.credential, tokens, estimated);
        let leads_there = again.is_ok_and(|again| match self.credential {
            CredentialUsed::Platform => again.cost == metered.cost,
            // Only its share was ours to compute.
            CredentialUsed::Workspace(_) => again == *metered,
        });
        if leads_there { price.prices(&metered.tokens) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        billing::BasisPoints,
        ids::{ApiKeyId, CallId, CredentialId, RequestId, UserId, WorkspaceId},
        time::Timestamp,
        usage::{
            FailureKind, Model, ModelClass, ModelKind, Price, PricedVersion, Provider, Timing,
            TokenCounts,
        },
    };

    const USUAL: TokenPrices =
        TokenPrices { input: 2, cached_input: 1, cache_write: 2, output: 9, request: 5 };
    const LONG: TokenPrices = TokenPrices { input: 4, output: 12, ..USUAL };

    fn book() -> PriceBook {
        let version = |version: &str, price| PricedVersion {
            version: version.to_owned(),
            effective_at: version.parse().expect("a time"),
            price,
        };
        let tiers = Price::ByContext { up_to: 100, usual: USUAL, long: LONG };
        let model = Model {
            id: "m".to_owned(),
            aliases: vec![],
            provider: Provider::OPENAI,
            upstream: "m".to_owned(),
            class: ModelClass::Small,
            context_window: 1_000,
            kind: ModelKind::Chat,
            output_cap: 100,
            image_tokens: None,
            tools: true,
            released_at: Timestamp::UNIX_EPOCH,
            prices: vec![
                version("2026-01-01T00:00:00Z", tiers),
                version("2026-02-01T00:00:00Z", Price::Free),
            ],
        };
        PriceBook::new(vec![model]).expect("sound")
    }

    fn call(version: &str, input: u64, cost: i64) -> Call {
        let metered = Metered {
            tokens: TokenCounts { input, ..TokenCounts::default() },
            cost: crate::usage::UsdAmount::from_pico(cost).expect("positive"),
            ..Metered::default()
        };
        let (timing, at) = (Timing::default(), Timestamp::UNIX_EPOCH);
        Call {
            id: CallId::new(Uuid::nil()),
            workspace: WorkspaceId::new(Uuid::nil()),
            key: ApiKeyId::new(Uuid::nil()),
            user: UserId::new(Uuid::nil()),
            request: RequestId::new(Uuid::nil()),
            model_asked: "fast".to_owned(),
            model: "m".to_owned(),
            provider: Provider::OPENAI,
            credential: CredentialUsed::Platform,
            streamed: false,
            price_version: version.to_owned(),
            markup: BasisPoints(2_000),
            hold: None,
            started_at: at,
            state: CallState::Settled { metered, transaction: None, correction: None, timing, at },
        }
    }

    #[test]
    fn only_prices_that_lead_to_the_stored_cost_are_told() {
        let (tiers, free) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
        for (call, expected) in [
            (call(tiers, 100, 205), Some(USUAL)),
            (call(tiers, 101, 409), Some(LONG)),
            (call(free, 101, 0), Some(TokenPrices::FREE)),
            (call(tiers, 100, 204), None),
            (call("2025-01-01T00:00:00Z", 100, 205), None),
            (Call { model: "gone".to_owned(), ..call(tiers, 100, 205) }, None),
        ] {
            assert_eq!(call.prices(&book()), expected, "{call:?}");
        }
    }

    #[test]
    fn prices_are_told_too_where_the_workspace_paid_the_provider() {
        let tiers = "2026-01-01T00:00:00Z";
        let used = CredentialUsed::Workspace(CredentialId::new(Uuid::nil()));
        let own = |charge| {
            let call = call(tiers, 100, 0);
            let CallState::Settled { metered, .. } = call.state else { panic!("it is paid for") };
            let charge = Credits::from_micros(charge);
            let so_far = Metered { charge, ..metered };
            Call { credential: used, state: CallState::Running { so_far }, ..call }
        };
        // A fifth of 205 million-millionths of a dollar, rounded up.
        assert_eq!(own(1).prices(&book()), Some(USUAL));
        assert_eq!(own(2).prices(&book()), None);
    }

    #[test]
    fn a_call_that_came_to_nothing_has_no_prices() {
        let running = call("2026-01-01T00:00:00Z", 100, 205);
        let CallState::Settled { metered, .. } = running.state else { panic!("{running:?}") };
        let running = Call { state: CallState::Running { so_far: metered }, ..running };
        assert_eq!(running.prices(&book()), Some(USUAL), "so far");
        let failed = running.fail(FailureKind::Timeout, Timing::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(failed.expect("running").prices(&book()), None);
    }
}
