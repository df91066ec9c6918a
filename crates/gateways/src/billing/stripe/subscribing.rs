//! Selling subscriptions through Stripe.
use async_trait::async_trait;
use cape_domain::billing::{
    ChangeRequest, Money, PaymentProviderError, PriceRequest, ProductRequest, RemoteSubscription,
    SubscriptionCheckout, SubscriptionProvider, SubscriptionRequest,
};

use super::{
    StripeGateway,
    amount::{from_stripe, to_stripe},
    subscription::{UNPAID, checkout_form},
    transport::{is_plain, unreadable},
    wire,
};

#[async_trait]
impl SubscriptionProvider for StripeGateway {
    async fn put_product(&self, product: &ProductRequest) -> Result<String, PaymentProviderError> {
        let ProductRequest { plan, version, name, active, known } = product;
        let form = [
            ("name", name.clone()),
            ("active", active.to_string()),
            ("metadata[plan]", plan.to_string()),
        ];
        let path = match known {
            Some(id) => format!("/v1/products/{id}"),
            None => "/v1/products".to_owned(),
        };
        // The same key with another path would be another request, which Stripe refuses.
        let key = match known {
            Some(id) => format!("product:{plan}:{version}:{id}"),
            None => format!("product:{plan}:{version}"),
        };
        let made: wire::Object = self.transport.post(&path, &form, &key).await?;
        made.id.ok_or_else(|| unreadable("a product without an id"))
    }

    async fn create_price(&self, price: &PriceRequest) -> Result<String, PaymentProviderError> {
        let uncountable = |_| PaymentProviderError::Refused { code: "amount".to_owned() };
        let amount = to_stripe(price.amount).map_err(uncountable)?;
        let form = [
            ("product", price.product.clone()),
            ("currency", price.amount.currency().code().to_ascii_lowercase()),
            ("unit_amount", amount.to_string()),
            ("recurring[interval]", price.interval.name().to_owned()),
            ("metadata[price_id]", price.price.to_string()),
        ];
        let key = format!("price:{}", price.price);
        let made: wire::Object = self.transport.post("/v1/prices", &form, &key).await?;
        made.id.ok_or_else(|| unreadable("a price without an id"))
    }

    async fn open_subscription(
        &self,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionCheckout, PaymentProviderError> {
        let form = checkout_form(request, &self.success_url, &self.cancel_url);
        // A refusal is remembered under its key, too: another customer needs another one.
        let key = format!("checkout:{}:{}", request.subscription, request.customer);
        let session: wire::CheckoutSession =
            self.transport.post("/v1/checkout/sessions", &form, &key).await?;
        let checkout = session.into_subscription_checkout();
        checkout.ok_or_else(|| unreadable("no checkout of a subscription"))
    }

    async fn find_subscription_checkout(
        &self,
        checkout: &str,
    ) -> Result<Option<SubscriptionCheckout>, PaymentProviderError> {
        let found: Option<wire::CheckoutSession> =
            self.find("cs", "/v1/checkout/sessions", checkout).await?;
        let ours = |checkout: &SubscriptionCheckout| checkout.subscription.is_some();
        Ok(found.and_then(wire::CheckoutSession::into_subscription_checkout).filter(ours))
    }

    async fn close_subscription_checkout(
        &self,
        checkout: &str,
    ) -> Result<Option<SubscriptionCheckout>, PaymentProviderError> {
        if !is_plain("cs", checkout) {
            return Ok(None);
        }
        let path = format!("/v1/checkout/sessions/{checkout}/expire");
        let key = format!("expire:{checkout}");
        match self.transport.post::<wire::CheckoutSession>(&path, &[], &key).await {
            // What is not open cannot be closed: it was paid, or ran out of time.
            Ok(_) | Err(PaymentProviderError::Refused { .. }) => {
                self.find_subscription_checkout(checkout).await
            }
            Err(error) => Err(error),
        }
    }

    async fn find_subscription(
        &self,
        remote: &str,
    ) -> Result<Option<RemoteSubscription>, PaymentProviderError> {
        let found: Option<wire::Subscription> =
            self.find("sub", "/v1/subscriptions", remote).await?;
        Ok(found.and_then(wire::Subscription::into_subscription))
    }

    async fn subscription_of_invoice(
        &self,
        invoice: &str,
    ) -> Result<Option<String>, PaymentProviderError> {
        let found: Option<wire::Invoice> = self.find("in", "/v1/invoices", invoice).await?;
        Ok(found.and_then(wire::Invoice::into_subscription_id))
    }

    async fn let_end(
        &self,
        remote: &str,
        ends: bool,
        number: u32,
    ) -> Result<(), PaymentProviderError> {
        if !is_plain("sub", remote) {
            return Err(PaymentProviderError::Refused { code: "subscription".to_owned() });
        }
        let form = [("cancel_at_period_end", ends.to_string())];
        let key = format!("ends:{remote}:{ends}:{number}");
        let path = format!("/v1/subscriptions/{remote}");
        self.transport.post::<wire::Object>(&path, &form, &key).await.map(drop)
    }

    async fn preview_change(&self, change: &ChangeRequest) -> Result<Money, PaymentProviderError> {
        let item = self.item(&change.remote).await?;
        let form = [
            ("subscription", change.remote.clone()),
            ("subscription_details[items][0][id]", item),
            ("subscription_details[items][0][price]", change.price.clone()),
            ("subscription_details[proration_behavior]", "always_invoice".to_owned()),
            ("subscription_details[proration_date]", change.at.timestamp().to_string()),
        ];
        let key = format!("preview:{}", change.quote);
        let path = "/v1/invoices/create_preview";
        let invoice: wire::Invoice = self.transport.post(path, &form, &key).await?;
        let currency = invoice.currency.and_then(|code| code.to_ascii_uppercase().parse().ok());
        let total = invoice.total.zip(currency);
        let total = total.and_then(|(total, currency)| from_stripe(total, currency));
        total.ok_or_else(|| unreadable("a preview without a total"))
    }

    async fn change_price(&self, change: &ChangeRequest) -> Result<(), PaymentProviderError> {
        let item = self.item(&change.remote).await?;
        let form = [
            ("items[0][id]", item),
            ("items[0][price]", change.price.clone()),
            ("proration_behavior", "always_invoice".to_owned()),
            ("proration_date", change.at.timestamp().to_string()),
            // Not before it is paid.
            ("payment_behavior", "pending_if_incomplete".to_owned()),
        ];
        let key = format!("change:{}", change.quote);
        let path = format!("/v1/subscriptions/{}", change.remote);
        self.transport.post::<wire::Object>(&path, &form, &key).await.map(drop)
    }

    async fn end_now(&self, remote: &str, unpaid: bool) -> Result<(), PaymentProviderError> {
        if !is_plain("sub", remote) {
            return Err(PaymentProviderError::Refused { code: "subscription".to_owned() });
        }
        let mut query = vec![("prorate", "false")];
        if unpaid {
            query.push(("cancellation_details[comment]", UNPAID));
        }
        let key = format!("end:{remote}");
        let path = format!("/v1/subscriptions/{remote}");
        match self.transport.delete::<wire::Object>(&path, &query, &key).await {
            Ok(_) => Ok(()),
            // One that is over is not there to be ended.
            Err(PaymentProviderError::Refused { code }) if code == wire::NOT_THERE => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl StripeGateway {
    /// The only item of a subscription.
    async fn item(&self, remote: &str) -> Result<String, PaymentProviderError> {
        let found: Option<wire::Subscription> =
            self.find("sub", "/v1/subscriptions", remote).await?;
        let items = found.and_then(|found| found.items?.data).unwrap_or_default();
        match <[_; 1]>::try_from(items) {
            Ok([wire::SubscriptionItem { id: Some(id), .. }]) => Ok(id),
            Ok(_) | Err(_) => Err(PaymentProviderError::Refused { code: "items".to_owned() }),
        }
    }

    /// The object with this id, if it has one of that kind and is ours.
    async fn find<T: serde::de::DeserializeOwned>(
        &self,
        kind: &str,
        path: &str,
        id: &str,
    ) -> Result<Option<T>, PaymentProviderError> {
        if !is_plain(kind, id) {
            return Ok(None);
        }
        match self.transport.get(&format!("{path}/{id}"), &[]).await {
            Ok(found) => Ok(Some(found)),
            Err(PaymentProviderError::Refused { code }) if code == wire::NOT_THERE => Ok(None),
            Err(error) => Err(error),
        }
    }
}
