//! Figures that are missing, wrong or impossible.
use std::sync::Arc;

use serde_json::Value;

use super::{ASKED_ALWAYS_AND_ONCE, Format, MODELS, adds_up, still_answers};
use crate::app::{
    Place, TestApp,
    caller::{Credits, micros, saying},
    on_both_databases,
};

on_both_databases!(
    whatever_a_provider_tells_is_charged_or_estimated_and_never_breaks_anything,
    more_than_was_asked_for_is_owed_to_the_last_millionth,
);

/// A credit, in millionths.
const CREDIT: i64 = 1_000_000;

/// What becomes of a figure, whole and in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charged {
    /// As a sound answer is.
    Exactly,
    /// As nothing.
    Nothing,
    /// As is likely, and that is said.
    Estimated,
}

const CASES: [(&str, Charged); 8] = [
    ("usage=missing", Charged::Estimated),
    ("usage=zero", Charged::Nothing),
    ("figures=negative", Charged::Estimated),
    ("figures=most", Charged::Estimated),
    ("figures=beyond", Charged::Estimated),
    ("figures=twice", Charged::Exactly),
    ("figures=shrinking", Charged::Exactly),
    ("cached_tokens=2", Charged::Exactly),
];

async fn whatever_a_provider_tells_is_charged_or_estimated_and_never_breaks_anything(
    place: Arc<Place>,
) {
    let app = TestApp::at(place, &ASKED_ALWAYS_AND_ONCE).await;
    let (ada, program) = app.program("ada").await;
    for (directive, charged) in CASES {
        for format in Format::ALL {
            for model in MODELS {
                for streamed in [false, true] {
                    let text = format!("hello [[sandbox: {directive}]]");
                    let answer = format.ask(&program, model, &text, streamed).await;
                    let what = format!("{directive} {format:?} {model} {streamed}");
                    assert_eq!(answer.status, 200, "{what}: {}", answer.text);
                    assert!(!streamed || format.is_whole(&answer.text), "{what}: {}", answer.text);
                    let call = answer.header("x-cape-call-id").expect("a call");
                    let record = ada.ended(call).await;
                    is_charged(charged, &record, &what);
                }
            }
        }
        adds_up(&app, &ada).await;
    }
    still_answers(&program).await;
    app.finish().await;
}

#[track_caller]
fn is_charged(charged: Charged, record: &Value, what: &str) {
    assert_eq!(record["state"], "settled", "{what}: {record}");
    let (estimated, charge) = (record["estimated"] == true, micros(&record["charge"]));
    let output = record["tokens"]["output"].as_u64().expect("a count");
    let expected = match charged {
        Charged::Exactly => !estimated && charge > 0 && output == 20,
        Charged::Nothing => !estimated && charge == 0,
        // Bytes of the answer, by four.
        Charged::Estimated => estimated && charge > 0 && (20..50).contains(&output),
    };
    assert!(expected, "{what}: {record}");
}

/// A credit is all there is. The answer is bounded by what that pays for, and the provider tells of
/// twice as much: what is beyond the hold is owed, since there is nothing else.
async fn more_than_was_asked_for_is_owed_to_the_last_millionth(place: Arc<Place>) {
    let settings =
        [&ASKED_ALWAYS_AND_ONCE[..], &[("CAPE_ACCOUNTS__WELCOME_CREDITS", "1")]].concat();
    let app = TestApp::at(place, &settings).await;
    // Tokens out of each answer, of which a credit pays for fewer than double; and what one in and
    // one out cost: 120 x dollars a million.
    for (model, answers, output, one_in, one_out) in [
        (MODELS[0], 1, 12_000_i64, 18, 72),
        (MODELS[1], 1, 4_000, 30, 150),
        (MODELS[2], 2, 8_000, 9, 36),
    ] {
        for streamed in [false, true] {
            let name = format!("{}-{streamed}", model.replace('.', "-"));
            let (owner, program) = app.program(&name).await;
            let text = format!("hello [[sandbox: usage=double, output_tokens={output}]]");
            let mut asked = saying(model, &text);
            asked["max_tokens"] = output.into();
            asked["n"] = answers.into();
            let output = answers * output;
            let call = if streamed {
                let stream = program.stream(&asked).await;
                let call = stream.call.clone();
                let told = stream.rest().await;
                assert_eq!(
                    (told.done, told.usage().map(|it| it.1)),
                    (true, Some(2 * output.unsigned_abs()))
                );
                call
            } else {
                let answer = program.chat(&asked).await;
                assert_eq!(answer.with(200)["usage"]["completion_tokens"], 2 * output);
                answer.header("x-cape-call-id").expect("a call").to_owned()
            };
            let record = owner.ended(&call).await;
            let count = |class: &str| record["tokens"][class].as_i64().expect("a count");
            let charge = count("input") * one_in + 2 * output * one_out;
            assert_eq!((count("output"), micros(&record["charge"])), (2 * output, charge));
            let owed = charge - CREDIT;
            assert_eq!(owner.credits().await, Credits { balance: 0, held: 0, owed });
            let beyond = micros(&record["beyond_hold"]["owed"]);
            assert_eq!(beyond, owed, "{record}");
            let lots = record["paid_by"].as_array().expect("a list").iter();
            let paid: i64 = lots.map(|lot| micros(&lot["amount"])).sum();
            let available = micros(&record["beyond_hold"]["from_available"]);
            assert_eq!(paid + available, CREDIT, "{record}");
            program.say(model, "hello").await.error(402, "insufficient_credits");
        }
    }
    app.finish().await;
}
