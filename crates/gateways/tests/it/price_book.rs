//! The price book that is shipped, and books that are refused.
use cape_domain::{
    billing::{BasisPoints, Credits},
    time::Timestamp,
    usage::{Model, ModelClass, ModelKind, Price, PriceBook, TokenCounts, TokenPrices, charge},
};
use cape_gateways::usage::price_book::{PriceBookError, read, shipped};
use chrono::{TimeZone as _, Utc};

fn on(year: i32, month: u32, day: u32) -> Timestamp {
    Utc.with_ymd_and_hms(year, month, day, 0, 0, 0).single().expect("a date")
}

fn prices(book: &PriceBook, model: &str, at: Timestamp) -> TokenPrices {
    let model = book.find(model).expect("a model of the book");
    match model.price_at(at).expect("a price").price {
        Price::Tokens(prices) | Price::ByContext { usual: prices, .. } => prices,
        Price::Free | Price::Unknown => panic!("{} is not priced", model.id),
    }
}

#[test]
fn a_known_call_costs_what_its_provider_says() {
    let book = shipped().expect("sound");
    let model = book.find("gpt-4o-mini").expect("a model of the book");
    let price = &model.price_at(on(2026, 11, 21)).expect("a price").price;
    let tokens = TokenCounts { input: 1_000, output: 500, ..TokenCounts::default() };
    let cost = price.cost(&tokens).expect("in range");
    assert_eq!(cost.to_string(), "0.000450000000");
    assert_eq!(charge(cost, BasisPoints(0)), Ok(Credits::from_micros(45_000)));
}

#[test]
fn a_long_prompt_costs_what_its_provider_says() {
    let book = shipped().expect("sound");
    let model = book.find("gemini-2.5-pro").expect("a model of the book");
    let price = &model.price_at(on(2026, 11, 21)).expect("a price").price;
    for (input, cached_input, cost) in [
        (200_000, 0, "0.260000000000"),
        (200_001, 0, "0.515002500000"),
        (100_000, 100_001, "0.290000250000"),
    ] {
        let tokens = TokenCounts { input, cached_input, output: 1_000, ..TokenCounts::default() };
        assert_eq!(price.cost(&tokens).expect("in range").to_string(), cost);
    }
}

#[test]
fn every_class_has_the_models_that_plans_promise() {
    let book = shipped().expect("sound");
    let of = |class| -> Vec<&str> {
        let models = book.models().iter().filter(|model| model.class == class);
        models.map(|model| model.id.as_str()).collect()
    };
    let small = [
        "gpt-4o-mini",
        "gpt-4.1-mini",
        "gpt-5-mini",
        "claude-3-haiku",
        "claude-haiku-4-5",
        "gemini-1.5-flash",
        "gemini-2.5-flash",
        "text-embedding-3-small",
        "text-embedding-3-large",
        "gemini-embedding-001",
        "omni-moderation-latest",
    ];
    assert_eq!(of(ModelClass::Small), small);
    let medium = ["gpt-4o", "gpt-4.1", "gpt-5", "claude-sonnet-4-5", "gemini-2.5-pro"];
    assert_eq!(of(ModelClass::Medium), medium);
    assert_eq!(of(ModelClass::Large), ["o3", "claude-opus-4-5"]);
    for (alias, id) in [("fast", "gpt-4o-mini"), ("smart", "claude-sonnet-4-5")] {
        let first = book.candidates(alias, 0).first().map(|model| model.id.as_str());
        assert_eq!(first, Some(id));
    }
}

#[test]
fn every_shipped_model_is_sane() {
    let cent = 10_000;
    let book = shipped().expect("sound");
    for model in book.models().iter().filter(|model| model.kind == ModelKind::Chat) {
        let name = &model.id;
        assert!(model.context_window >= 100_000, "{name}");
        assert!(model.output_cap >= 4_096, "{name}");
        assert!(model.released_at >= on(2024, 1, 1), "{name}");
        for version in &model.prices {
            assert!(version.effective_at >= model.released_at, "{name}");
            let prices = match version.price {
                Price::Tokens(prices) | Price::ByContext { usual: prices, .. } => prices,
                Price::Free | Price::Unknown => panic!("{name} is not priced"),
            };
            assert!((cent..=50_000_000).contains(&prices.input), "{name}");
            assert!(prices.cached_input > 0 && prices.cached_input < prices.input, "{name}");
            assert!(prices.cache_write >= prices.input, "{name}");
            assert!(prices.output > prices.input && prices.output <= 200_000_000, "{name}");
            assert_eq!(prices.request, 0, "{name}");
        }
        assert!(model.price_at(on(2026, 1, 1)).is_some(), "{name}");
    }
}

#[test]
fn every_shipped_model_for_vectors_has_its_length_and_a_price_of_its_input_alone() {
    let book = shipped().expect("sound");
    let tokens = TokenCounts { input: 1_000_000, ..TokenCounts::default() };
    let of = |id: &str| {
        let model = book.find(id).expect("a model of the book");
        let ModelKind::Embedding { dimensions } = model.kind else { panic!("{id}") };
        assert_eq!((model.output_cap, model.image_tokens, model.tools), (0, None, false));
        let price = model.price_at(on(2026, 11, 21)).expect("a price").price;
        assert_eq!(prices(&book, id, on(2026, 11, 21)).output, 0);
        let cost = price.cost(&tokens).expect("in range").to_string();
        (dimensions, model.context_window, cost)
    };
    let expected = |dimensions, window, cost: &str| (dimensions, window, cost.to_owned());
    assert_eq!(of("text-embedding-3-small"), expected(1_536, 8_192, "0.020000000000"));
    assert_eq!(of("text-embedding-3-large"), expected(3_072, 8_192, "0.130000000000"));
    assert_eq!(of("gemini-embedding-001"), expected(3_072, 2_048, "0.150000000000"));
    let vectors = |model: &&Model| matches!(model.kind, ModelKind::Embedding { .. });
    assert_eq!(book.models().iter().filter(vectors).count(), 3);
}

#[test]
fn what_judges_is_free_and_says_so() {
    let book = shipped().expect("sound");
    let judges = |model: &&Model| model.kind == ModelKind::Moderation;
    let all: Vec<_> = book.models().iter().filter(judges).collect();
    let [model] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((model.id.as_str(), model.output_cap), ("omni-moderation-latest", 0));
    assert!(model.image_tokens.is_some());
    let price = model.price_at(on(2026, 11, 21)).expect("a price").price;
    assert_eq!(price, Price::Free);
    for more in ["output_cap = 1", "dimensions = 3"] {
        let kind = format!("kind = \"moderation\"\n{more}");
        let wrong = format!("{}{PRICE}", MODEL.replace("output_cap = 100", &kind));
        let error = read(&wrong).expect_err(more).to_string();
        assert!(error.contains("`m`") && error.contains("neither `output_cap`"), "{error}");
    }
}

#[test]
fn a_model_for_vectors_that_is_described_as_one_for_chats_is_refused() {
    let vectors = MODEL.replace("output_cap = 100", "kind = \"embedding\"\ndimensions = 3");
    let price = "[[models.prices]]\nversion = \"v1\"\neffective = 2026-01-01\ninput = \"0.02\"\n";
    let whole = format!("{vectors}{price}");
    let book = read(&whole).expect("sound");
    let model = book.find("m").expect("a model of the book");
    assert_eq!(model.kind, ModelKind::Embedding { dimensions: 3 });
    for (from, to, reason) in [
        ("dimensions = 3", "", "has `dimensions`"),
        ("dimensions = 3", "dimensions = 0", "are not 1 or more"),
        ("dimensions = 3", "dimensions = 3\noutput_cap = 1", "neither `output_cap`"),
        ("dimensions = 3", "dimensions = 3\nimage_tokens = 1", "nor images"),
        ("kind = \"embedding\"\n", "", "`output_cap` is needed"),
        ("kind = \"embedding\"\n", "output_cap = 1\n", "those of an `embedding`"),
        ("\"embedding\"", "\"image\"", "unknown variant `image`"),
        ("input = \"0.02\"", "input = \"0.02\"\noutput = \"1\"", "`input` alone"),
        ("input = \"0.02\"", "output = \"1\"", "`input` alone"),
        ("input = \"0.02\"", "input = \"0\"", "`free = true`"),
    ] {
        let wrong = whole.replacen(from, to, 1);
        assert_ne!(wrong, whole, "{from}");
        let error = read(&wrong).expect_err(to).to_string();
        assert!(error.contains("`m`") && error.contains(reason), "{error}");
    }
}

#[test]
fn a_price_holds_until_the_next_one_does() {
    let book = shipped().expect("sound");
    assert_eq!(prices(&book, "o3", on(2025, 6, 9)).output, 40_000_000);
    assert_eq!(prices(&book, "o3", on(2025, 6, 10)).output, 8_000_000);
    let model = book.find("o3").expect("a model of the book");
    assert_eq!(model.price_at(on(2025, 4, 15)), None);
}

const MODEL: &str = r#"
[[models]]
id = "m"
provider = "openai"
upstream = "m-1"
class = "small"
context_window = 1_000
output_cap = 100
released = 2026-01-01
"#;

const PRICE: &str = r#"
[[models.prices]]
version = "v1"
effective = 2026-01-01
input = "0.15"
cached_input = "0.075"
cache_write = "0.15"
output = "0.60"
"#;

#[test]
fn what_is_free_says_so_and_a_call_may_have_a_price_of_its_own() {
    let free = format!("{MODEL}[[models.prices]]\nversion='f'\neffective=2026-01-01\nfree=true");
    let book = read(&free).expect("sound");
    let model = book.find("m").expect("a model of the book");
    assert_eq!(model.prices[0].price, Price::Free);

    let book = read(&format!("{MODEL}{PRICE}request = \"5000\"")).expect("sound");
    let expected = TokenPrices {
        input: 150_000,
        cached_input: 75_000,
        cache_write: 150_000,
        output: 600_000,
        request: 5_000_000_000,
    };
    assert_eq!(prices(&book, "m", on(2026, 1, 1)), expected);
}

#[test]
fn a_book_that_is_wrong_is_refused_and_the_model_named() {
    let whole = format!("{MODEL}{PRICE}");
    assert!(read(&whole).is_ok());
    for (from, to, reason) in [
        ("\"0.15\"\ncached", "0.15\ncached", "a price is a decimal in quotes"),
        ("\"0.15\"\ncached", "1\ncached", "a price is a decimal in quotes"),
        ("\"0.15\"\ncached", "\"-0.15\"\ncached", "at most 6 decimals"),
        ("\"0.15\"\ncached", "\"0.1500001\"\ncached", "at most 6 decimals"),
        ("output = ", "outptu = ", "unknown field `outptu`"),
        ("output = \"0.60\"", "", "are all needed"),
        ("input = ", "free = true\ninput = ", "what is free has no prices"),
        ("upstream", "upsteam", "unknown field `upsteam`"),
        ("\"openai\"", "\"Open AI\"", "`Open AI` is not the name of a provider"),
        ("\"small\"", "\"tiny\"", "`tiny` is not a class"),
        ("\"m-1\"", "\"\"", "a name is empty"),
        ("released = 2026-01-01", "released = 2026-01-01T10:00:00Z", "expected a date"),
        ("effective = 2026-01-01", "effective = 2026-02-30", "expected a date"),
        ("effective = 2026-01-01", "effective = \"soon\"", "expected a date"),
    ] {
        let wrong = whole.replacen(from, to, 1);
        assert_ne!(wrong, whole, "{from}");
        let error = read(&wrong).expect_err(to).to_string();
        // What is no TOML at all has no model yet.
        assert!(error.contains("`m`") || to.contains("02-30"), "{error}");
        assert!(error.contains(reason) || to.contains("02-30"), "{error}");
    }
    let twice = format!("{whole}{PRICE}");
    assert!(matches!(read(&twice), Err(PriceBookError::Model { .. })), "two prices of one name");
    let nothing = whole.replace("\"0.60\"", "\"0\"").replace("\"0.15\"", "\"0.0\"");
    assert!(read(&nothing).expect_err("for nothing").to_string().contains("`free = true`"));
    let nameless = whole.replacen("id = \"m\"\n", "", 1);
    assert!(read(&nameless).expect_err("no id").to_string().contains("`models[0]`"));
    assert!(matches!(read(MODEL), Err(PriceBookError::Unsound(_))), "no price");
    assert!(matches!(read(&format!("{whole}{whole}")), Err(PriceBookError::Unsound(_))));
    assert!(matches!(read("models = 1"), Err(PriceBookError::File(_))));
    assert!(matches!(read(&format!("x = 1\n{whole}")), Err(PriceBookError::File(_))));
}
