//! Judgements, as `OpenAI` is asked for them and as it answers.
use cape_domain::usage::{
    Category, FailureKind, Image, ImageSource, Judgement, ModerationProvider, ModerationRequest,
    Moderations, Part,
};
use serde_json::{Value, json};
use tokio::join;

use super::{
    openai,
    vendor::{Asked, Vendor, whole},
};

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn image(source: ImageSource) -> Part {
    Part::Image(Image { source, detail: None })
}

fn request(inputs: Vec<Vec<Part>>) -> ModerationRequest {
    ModerationRequest { model: "m-1".to_owned(), inputs }
}

async fn moderated(
    inputs: Vec<Vec<Part>>,
    answer: &Value,
) -> (Asked, Result<Moderations, FailureKind>) {
    let vendor = Vendor::open().await;
    let (provider, asked) = (openai(&vendor.url()), request(inputs));
    let script = whole("200 OK", "", &answer.to_string());
    let (asked, answer) = join!(vendor.play(&script), provider.moderate(&asked));
    (asked, answer.map_err(|error| error.kind()))
}

fn harmless() -> Value {
    json!({ "flagged": false, "categories": {}, "category_scores": {} })
}

#[tokio::test]
async fn texts_are_judged_each_by_itself_and_every_category_is_told() {
    let result = json!({
        "flagged": true,
        "categories": { "violence": true, "illicit": null },
        "category_scores": { "violence": 0.937_652_1, "illicit": null },
        "category_applied_input_types": { "violence": ["text"] },
    });
    let answer = json!({ "id": "modr-1", "model": "m-1", "results": [result, harmless()] });
    let (asked, answer) = moderated(vec![vec![text("a")], vec![text("b")]], &answer).await;
    assert_eq!(asked.line(), "POST /moderations");
    assert_eq!(asked.header("authorization"), Some("Bearer sk-test-123"));
    assert_eq!(asked.body, json!({ "model": "m-1", "input": ["a", "b"] }));
    let category = |name: &str, flagged, score, types: Option<&str>| Category {
        name: name.to_owned(),
        flagged,
        score,
        input_types: types.map(|kind| vec![kind.to_owned()]),
    };
    let categories = vec![
        category("illicit", None, None, None),
        category("violence", Some(true), Some(0.937_652_1), Some("text")),
    ];
    let judgements = vec![
        Judgement { flagged: true, categories },
        Judgement { flagged: false, categories: vec![] },
    ];
    assert_eq!(answer, Ok(Moderations { judgements }));
}

#[tokio::test]
async fn parts_are_judged_together_and_images_are_sent_as_they_came() {
    let inline =
        ImageSource::Inline { media_type: "image/png".to_owned(), base64: "YQ==".to_owned() };
    let parts = vec![
        text("a"),
        image(ImageSource::Url("https://example.com/a.png".to_owned())),
        image(inline),
    ];
    let (asked, answer) = moderated(vec![parts], &json!({ "results": [harmless()] })).await;
    let expected = json!([
        { "type": "text", "text": "a" },
        { "type": "image_url", "image_url": { "url": "https://example.com/a.png" } },
        { "type": "image_url", "image_url": { "url": "data:image/png;base64,YQ==" } },
    ]);
    assert_eq!(asked.body["input"], expected);
    assert!(answer.is_ok());
}

#[tokio::test]
async fn an_input_that_was_not_judged_does_not_pass_for_harmless() {
    for answer in [
        json!({ "results": [harmless()] }),
        json!({ "results": [] }),
        json!({ "results": [harmless(), { "categories": {} }] }),
        json!({ "results": [harmless(), { "flagged": null, "categories": {} }] }),
        json!({}),
    ] {
        let (_, told) = moderated(vec![vec![text("a")], vec![text("b")]], &answer).await;
        assert_eq!(told, Err(FailureKind::Malformed), "{answer}");
    }
}

#[test]
fn several_inputs_of_parts_cannot_be_said() {
    let provider = openai("http://127.0.0.1:9");
    let check = |inputs| ModerationProvider::check(&provider, &request(inputs));
    assert_eq!(check(vec![vec![text("a")], vec![text("b")]]), Ok(()));
    assert_eq!(check(vec![vec![text("a"), text("b")]]), Ok(()));
    let refused = check(vec![vec![text("a"), text("b")], vec![text("c")]]).expect_err("refused");
    assert_eq!(refused.parameter, "input");
}
