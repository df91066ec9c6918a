//! `/v1/products`.
use serde_json::{Value, json};

use super::{
    desk::{Desk, Operation},
    error::StripeError,
    facts::Facts as _,
    form::Form,
    kind::Kind,
    office::Office,
};

/// Make a product.
pub(crate) const CREATE: Operation = Operation {
    parameters: &[
        "id",
        "name",
        "description",
        "active",
        "metadata[*]",
        "images[#]",
        "marketing_features[#][name]",
        "statement_descriptor",
        "tax_code",
        "unit_label",
        "url",
        "shippable",
        "default_price_data[currency]",
        "default_price_data[unit_amount]",
        "default_price_data[recurring][interval]",
        "default_price_data[recurring][interval_count]",
        "default_price_data[metadata][*]",
    ],
    act: create,
};

/// Change a product.
pub(crate) const UPDATE: Operation = Operation {
    parameters: &[
        "name",
        "description",
        "active",
        "metadata",
        "metadata[*]",
        "default_price",
        "statement_descriptor",
        "tax_code",
        "unit_label",
        "url",
    ],
    act: update,
};

/// Show a product.
pub(crate) const FIND: Operation =
    Operation { parameters: &[], act: |desk| desk.found(Kind::Product) };

/// List products.
pub(crate) const LIST: Operation = Operation {
    parameters: &["limit", "starting_after", "ending_before", "active", "ids[#]", "url"],
    act: list,
};

/// Take a product away that has no price.
pub(crate) const DELETE: Operation = Operation { parameters: &[], act: delete };

fn create(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let name = form.required("name")?;
    let id = match form.text("id")? {
        Some(id) if desk.account.get(Kind::Product, id).is_some() => {
            let message = format!("Product already exists: {id}");
            return Err(StripeError::refused("id", "resource_already_exists", message));
        }
        Some(id) => id.to_owned(),
        None => desk.world.ids.mint("prod_", 14),
    };
    let mut product = product(&id, name, desk.now);
    product["images"] = form.texts("images").into();
    let features = form.items("marketing_features");
    let features: Vec<Value> = features
        .iter()
        .map(|feature| Ok(json!({ "name": form.required(&format!("{feature}[name]"))? })))
        .collect::<Result<_, StripeError>>()?;
    product["marketing_features"] = features.into();
    fill(&mut product, form)?;
    product["shippable"] = form.switch("shippable")?.into();
    let mut office = desk.office();
    if form.has("default_price_data") {
        let price = super::prices::read(&mut office, form, "default_price_data", &id)?;
        product["default_price"] = price["id"].clone();
        office.record("product.created", &product);
        office.record("price.created", &price);
    } else {
        office.record("product.created", &product);
    }
    Ok(product)
}

/// A product with this name alone.
pub(crate) fn product(id: &str, name: &str, now: i64) -> Value {
    json!({
        "id": id, "object": "product", "active": true, "created": now, "default_price": null,
        "description": null, "images": [], "livemode": false, "marketing_features": [],
        "metadata": {}, "name": name, "package_dimensions": null, "shippable": null,
        "statement_descriptor": null, "tax_code": null, "type": "service", "unit_label": null,
        "updated": now, "url": null,
    })
}

fn fill(product: &mut Value, form: &Form) -> Result<(), StripeError> {
    for name in ["description", "statement_descriptor", "tax_code", "unit_label", "url"] {
        if let Some(value) = form.given(name) {
            product[name] = if value.is_empty() { Value::Null } else { value.into() };
        }
    }
    if let Some(active) = form.switch("active")? {
        product["active"] = active.into();
    }
    product["metadata"] = form.merged("metadata", &product["metadata"])?;
    Ok(())
}

fn update(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let mut product = desk.found(Kind::Product)?;
    let form = desk.form;
    if let Some(name) = form.text("name")? {
        product["name"] = name.into();
    }
    if let Some(price) = form.text("default_price")? {
        let known = desk.account.get(Kind::Price, price);
        if known.is_none_or(|known| known["product"] != product["id"]) {
            return Err(StripeError::no_such(400, "price", "default_price", price));
        }
        product["default_price"] = price.into();
    }
    fill(&mut product, form)?;
    product["updated"] = desk.now.into();
    desk.office().change("product.updated", &product);
    Ok(product)
}

fn list(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let form = desk.form;
    let (active, ids, url) = (form.switch("active")?, form.texts("ids"), form.text("url")?);
    desk.page(Kind::Product, |product| {
        active.is_none_or(|active| product["active"] == active)
            && url.is_none_or(|url| product.is("url", url))
            && (ids.is_empty() || ids.contains(&product.text("id")))
    })
}

fn delete(desk: &mut Desk<'_>) -> Result<Value, StripeError> {
    let product = desk.found(Kind::Product)?;
    if desk.account.all(Kind::Price).any(|price| price.is("product", desk.id)) {
        let message =
            "This product cannot be deleted because it has one or more user-created prices.";
        return Err(StripeError::state(None, message));
    }
    desk.account.shelf(Kind::Product).remove(desk.id);
    desk.office().tell("product.deleted", &product);
    Ok(json!({ "id": desk.id, "object": "product", "deleted": true }))
}

/// A product that is made on the way, for a price that is.
pub(crate) fn read_inline(
    office: &mut Office<'_>,
    form: &Form,
    prefix: &str,
) -> Result<Value, StripeError> {
    let name = form.required(&format!("{prefix}[name]"))?;
    let mut product = product(&office.mint("prod_", 14), name, office.now);
    product["description"] = form.text(&format!("{prefix}[description]"))?.into();
    product["metadata"] = form.metadata(&format!("{prefix}[metadata]"))?;
    Ok(product)
}
