//! Stripe's test cards: what each number does. A number that is none of them is refused, as Stripe's
//! test mode refuses it.
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What a card does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    /// It pays.
    Pays,
    /// It is declined, even when it is only to be kept.
    Declines(Decline),
    /// It can be kept, but every charge is declined.
    FailsWhenCharged(Decline),
    /// Its owner has to show who it is, every time.
    AuthenticatesAlways,
    /// Its owner has to show who it is once.
    AuthenticatesOnce,
    /// It pays, and its owner disputes that at once, for this reason.
    Disputes(&'static str),
    /// It pays, but does not take money back.
    RefusesRefunds,
}

/// Why a card is declined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decline {
    /// Stripe's own code.
    pub(crate) code: &'static str,
    /// The issuer's.
    pub(crate) reason: &'static str,
    /// For the payer.
    pub(crate) message: &'static str,
}

const fn declined(code: &'static str, reason: &'static str, message: &'static str) -> Decline {
    Decline { code, reason, message }
}

/// A card that is declined without a reason.
pub(crate) const GENERIC: Decline =
    declined("card_declined", "generic_decline", "Your card was declined.");
/// A card whose owner did not show who it is.
pub(crate) const NOT_AUTHENTICATED: Decline = declined(
    "payment_intent_authentication_failure",
    "authentication_not_handled",
    "The provided payment method has failed authentication. You can provide payment_method_data \
     or a new PaymentMethod to attempt to fulfill this PaymentIntent again.",
);
const INSUFFICIENT: Decline =
    declined("card_declined", "insufficient_funds", "Your card has insufficient funds.");
const LOST: Decline = declined("card_declined", "lost_card", "Your card was declined.");
const STOLEN: Decline = declined("card_declined", "stolen_card", "Your card was declined.");
const EXPIRED: Decline = declined("expired_card", "expired_card", "Your card has expired.");
const CVC: Decline =
    declined("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect.");
const PROCESSING: Decline = declined(
    "processing_error",
    "processing_error",
    "An error occurred while processing your card. Try again in a little bit.",
);

/// A test card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Card {
    /// All its digits.
    pub(crate) number: &'static str,
    /// The id of the payment method that stands for it in requests.
    pub(crate) token: &'static str,
    /// What it does.
    pub(crate) conduct: Conduct,
}

const CARDS: [Card; 20] = [
    card("4242424242424242", "pm_card_visa", Conduct::Pays),
    card("5555555555554444", "pm_card_mastercard", Conduct::Pays),
    card("378282246310005", "pm_card_amex", Conduct::Pays),
    card("4000056655665556", "pm_card_visa_debit", Conduct::Pays),
    card("4000000000000002", "pm_card_chargeDeclined", Conduct::Declines(GENERIC)),
    card(
        "4000000000009995",
        "pm_card_chargeDeclinedInsufficientFunds",
        Conduct::Declines(INSUFFICIENT),
    ),
    card("4000000000009987", "pm_card_chargeDeclinedLostCard", Conduct::Declines(LOST)),
    card("4000000000009979", "pm_card_chargeDeclinedStolenCard", Conduct::Declines(STOLEN)),
    card("4000000000000069", "pm_card_chargeDeclinedExpiredCard", Conduct::Declines(EXPIRED)),
    card("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", Conduct::Declines(CVC)),
    card(
        "4000000000000119",
        "pm_card_chargeDeclinedProcessingError",
        Conduct::Declines(PROCESSING),
    ),
    card("4000000000000341", "pm_card_chargeCustomerFail", Conduct::FailsWhenCharged(GENERIC)),
    card("4000002760003184", "pm_card_authenticationRequired", Conduct::AuthenticatesAlways),
    card("4000002500003155", "pm_card_authenticationRequiredOnSetup", Conduct::AuthenticatesOnce),
    card("4000000000000259", "pm_card_createDispute", Conduct::Disputes("fraudulent")),
    card(
        "4000000000002685",
        "pm_card_createDisputeProductNotReceived",
        Conduct::Disputes("product_not_received"),
    ),
    card("4000000000005126", "pm_card_refundFail", Conduct::RefusesRefunds),
    card("4000003720000278", "pm_card_bypassPending", Conduct::Pays),
    card("6011111111111117", "pm_card_discover", Conduct::Pays),
    card("3056930009020004", "pm_card_diners", Conduct::Pays),
];

const fn card(number: &'static str, token: &'static str, conduct: Conduct) -> Card {
    Card { number, token, conduct }
}

/// The card with this number, however it is spaced.
pub(crate) fn by_number(number: &str) -> Result<Card, Decline> {
    let digits: String = number.chars().filter(|letter| !matches!(letter, ' ' | '-')).collect();
    CARDS.into_iter().find(|card| card.number == digits).ok_or_else(|| {
        if is_a_card_number(&digits) {
            declined(
                "card_declined",
                "test_mode_live_card",
                "Your card was declined. Your request was in test mode, but used a non test card.",
            )
        } else {
            declined("incorrect_number", "incorrect_number", "Your card number is incorrect.")
        }
    })
}

/// The card that a payment method's id stands for.
pub(crate) fn by_token(token: &str) -> Option<Card> {
    CARDS.into_iter().find(|card| card.token == token)
}

/// The last digit checks the others, as Luhn has it.
fn is_a_card_number(digits: &str) -> bool {
    let worth = |(place, digit): (usize, u8)| {
        let digit = u32::from(digit - b'0') * if place % 2 == 1 { 2 } else { 1 };
        if digit > 9 { digit - 9 } else { digit }
    };
    let only_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let sum = |digits: &str| digits.bytes().rev().enumerate().map(worth).sum::<u32>();
    (12..=19).contains(&digits.len()) && only_digits && sum(digits).is_multiple_of(10)
}

impl Card {
    /// As a payment method tells of it. The fingerprint is the number's.
    pub(crate) fn show(self, month: i64, year: i64) -> Value {
        let (brand, network) = match self.number.as_bytes()[0] {
            b'5' => ("mastercard", "mastercard"),
            b'6' => ("discover", "discover"),
            b'3' if self.number.len() == 15 => ("amex", "amex"),
            b'3' => ("diners", "diners"),
            _ => ("visa", "visa"),
        };
        let fingerprint = hex::encode(Sha256::digest(format!("fingerprint {}", self.number)));
        let authenticates =
            matches!(self.conduct, Conduct::AuthenticatesAlways | Conduct::AuthenticatesOnce);
        json!({
            "brand": brand,
            "checks": {
                "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass",
            },
            "country": "US", "display_brand": brand, "exp_month": month, "exp_year": year,
            "fingerprint": fingerprint[..16], "funding": self.funding(), "generated_from": null,
            "last4": self.number[self.number.len() - 4..],
            "networks": { "available": [network], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": authenticates || brand == "visa" },
            "wallet": null,
        })
    }

    fn funding(self) -> &'static str {
        if self.token.ends_with("_debit") { "debit" } else { "credit" }
    }
}

impl Conduct {
    const NAMED: [(&'static str, Self); 12] = [
        ("succeeds", Self::Pays),
        ("card_declined", Self::FailsWhenCharged(GENERIC)),
        ("insufficient_funds", Self::FailsWhenCharged(INSUFFICIENT)),
        ("lost_card", Self::FailsWhenCharged(LOST)),
        ("stolen_card", Self::FailsWhenCharged(STOLEN)),
        ("expired_card", Self::FailsWhenCharged(EXPIRED)),
        ("incorrect_cvc", Self::FailsWhenCharged(CVC)),
        ("processing_error", Self::FailsWhenCharged(PROCESSING)),
        ("authentication_required", Self::AuthenticatesAlways),
        ("authentication_once", Self::AuthenticatesOnce),
        ("disputed", Self::Disputes("fraudulent")),
        ("refund_fails", Self::RefusesRefunds),
    ];

    /// The conduct of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, conduct)| conduct)
    }

    /// All names.
    pub(crate) fn names() -> String {
        Self::NAMED.map(|(name, _)| name).join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_however_it_is_spaced_and_its_fingerprint_is_its_own() {
        let one = by_number("4242 4242-4242 4242").expect("a card");
        assert_eq!((one.token, one.conduct), ("pm_card_visa", Conduct::Pays));
        let other = by_token("pm_card_mastercard").expect("a card");
        let (one, other) = (one.show(12, 2034), other.show(12, 2034));
        assert_eq!((&one["last4"], &other["brand"]), (&"4242".into(), &"mastercard".into()));
        assert_ne!(one["fingerprint"], other["fingerprint"]);
    }

    #[test]
    fn every_test_card_has_a_number_that_checks() {
        for card in CARDS {
            assert!(is_a_card_number(card.number), "{}", card.number);
        }
    }

    #[test]
    fn a_card_that_is_none_is_told_from_one_that_is_not_for_tests() {
        let code = |number| by_number(number).expect_err("refused").reason;
        assert_eq!(code("4111111111111111"), "test_mode_live_card");
        for number in ["4242424242424241", "", "4242", "4242x24242424242"] {
            assert_eq!(code(number), "incorrect_number", "{number}");
        }
    }
}
