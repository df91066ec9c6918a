//! The kinds of objects that are kept, each on a shelf of its own.

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// `txn_…`
    BalanceTransaction,
    /// `ch_…`
    Charge,
    /// `cus_…`
    Customer,
    /// `dp_…`
    Dispute,
    /// `we_…`, with their secrets.
    Endpoint,
    /// `evt_…`
    Event,
    /// `pi_…`
    Intent,
    /// `in_…`
    Invoice,
    /// `ii_…`
    InvoiceItem,
    /// `inpay_…`
    InvoicePayment,
    /// `pm_…`
    PaymentMethod,
    /// `bps_…`
    PortalSession,
    /// `price_…`
    Price,
    /// `prod_…`
    Product,
    /// `re_…`
    Refund,
    /// `cs_test_…`
    Session,
    /// `seti_…`
    SetupIntent,
    /// `sub_…`
    Subscription,
}

impl Kind {
    /// All kinds.
    pub(crate) const ALL: [Self; 18] = [
        Self::BalanceTransaction,
        Self::Charge,
        Self::Customer,
        Self::Dispute,
        Self::Endpoint,
        Self::Event,
        Self::Intent,
        Self::Invoice,
        Self::InvoiceItem,
        Self::InvoicePayment,
        Self::PaymentMethod,
        Self::PortalSession,
        Self::Price,
        Self::Product,
        Self::Refund,
        Self::Session,
        Self::SetupIntent,
        Self::Subscription,
    ];

    /// What stands in the field `object`.
    pub(crate) fn object(self) -> &'static str {
        match self {
            Self::BalanceTransaction => "balance_transaction",
            Self::Charge => "charge",
            Self::Customer => "customer",
            Self::Dispute => "dispute",
            Self::Endpoint => "webhook_endpoint",
            Self::Event => "event",
            Self::Intent => "payment_intent",
            Self::Invoice => "invoice",
            Self::InvoiceItem => "invoiceitem",
            Self::InvoicePayment => "invoice_payment",
            Self::PaymentMethod => "payment_method",
            Self::PortalSession => "billing_portal.session",
            Self::Price => "price",
            Self::Product => "product",
            Self::Refund => "refund",
            Self::Session => "checkout.session",
            Self::SetupIntent => "setup_intent",
            Self::Subscription => "subscription",
        }
    }

    /// What messages call it.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::BalanceTransaction => "balance transaction",
            Self::Endpoint => "webhook endpoint",
            Self::PaymentMethod => "PaymentMethod",
            kind => kind.object(),
        }
    }

    /// Where its objects are, below `/v1`.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::BalanceTransaction => "/v1/balance_transactions",
            Self::Charge => "/v1/charges",
            Self::Customer => "/v1/customers",
            Self::Dispute => "/v1/disputes",
            Self::Endpoint => "/v1/webhook_endpoints",
            Self::Event => "/v1/events",
            Self::Intent => "/v1/payment_intents",
            Self::Invoice => "/v1/invoices",
            Self::InvoiceItem => "/v1/invoiceitems",
            Self::InvoicePayment => "/v1/invoice_payments",
            Self::PaymentMethod => "/v1/payment_methods",
            Self::PortalSession => "/v1/billing_portal/sessions",
            Self::Price => "/v1/prices",
            Self::Product => "/v1/products",
            Self::Refund => "/v1/refunds",
            Self::Session => "/v1/checkout/sessions",
            Self::SetupIntent => "/v1/setup_intents",
            Self::Subscription => "/v1/subscriptions",
        }
    }

    /// The kind of an object.
    pub(crate) fn of(object: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.object() == object)
    }
}
