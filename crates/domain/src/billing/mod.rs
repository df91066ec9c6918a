//! Money, plans, orders, payments, and the ledger of credits.
//!
//! Not here: tokens and models.
mod account;
mod balance;
mod correction;
mod credits;
mod grant;
mod hold;
mod money;
mod order;
mod period;
mod plan;
mod plan_draft;
mod ports;
mod postings;
mod provider;
mod purse;
mod subscription;
mod subscription_provider;
mod transaction;
mod webhook;
mod zone;

pub use account::{Account, Unit};
pub use balance::{Balance, BalanceChange, Posted};
pub use correction::{Correction, NoRoom, put_back};
pub use credits::{BasisPoints, Credits, OutOfRange};
pub use grant::{
    Allocation, CreditGrant, GrantMove, GrantSource, NotEnough, UnknownGrantSource, allocate,
};
pub use hold::{EndedHold, GrantUse, Hold, HoldState, InvalidHold, Overage, Settlement};
pub use money::{Currency, Money, MoneyError, UnknownCurrency};
pub use order::{
    Observed, Order, OrderState, Payment, PaymentMismatch, ProviderName, UnknownProvider,
};
pub use period::{Calendar, InvalidPeriod, Period};
pub use plan::{
    Feature, Pack, Plan, PlanCode, PlanLimits, PlanPrice, PriceInterval, UnknownInterval,
    UnknownPlanCode,
};
pub use plan_draft::{DraftPrice, PlanChange, PlanDraft, PlanRefusal};
pub use ports::{
    BillingReads, BillingRepositories, CatalogueReads, CatalogueRepository, CustomerReads,
    CustomerRepository, LedgerAudit, LedgerReads, LedgerRepository, OrderReads, OrderRepository,
    SubscriptionReads, SubscriptionRepository, Violation, WebhookReads, WebhookRepository,
};
pub use postings::{
    bonus, correction, debt_repaid, expiry, hold, promotion, provider_cost, purchase, refund,
    release, settlement,
};
pub use provider::{
    CheckoutRequest, PaymentProvider, PaymentProviderError, RemoteCheckout, RemoteState,
    WebhookRefused,
};
pub use purse::{Purse, merge_moves};
pub use subscription::{
    CancelWay, DunningRules, DunningStep, EndReason, Oddity, OpenedCheckout, Quote, QuoteRefusal,
    RENEWAL_LEEWAY, Reduced, RemoteStatus, RemoteSubscription, Subscription, SubscriptionRefusal,
    SubscriptionState, Terms, UnknownEndReason,
};
pub use subscription_provider::{
    ChangeRequest, PriceRequest, ProductRequest, SubscriptionCheckout, SubscriptionCheckoutState,
    SubscriptionProvider, SubscriptionRequest,
};
pub use transaction::{InvalidTransaction, Transaction, TransactionKind, Transfer};
pub use webhook::{ProviderEvent, Topic, Webhook, WebhookOutcome, WebhookState};
pub use zone::{UnknownZone, Zone};
