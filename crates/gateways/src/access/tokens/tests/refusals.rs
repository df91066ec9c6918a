//! Tokens that are nearly ours.
use super::*;

fn part(json: &Value) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

fn seed() -> [u8; 32] {
    derive(&ROOT, b"cape access token key", PERIOD)
}

fn pair() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&seed()).expect("a key")
}

/// Signs with the right key whatever it is given, as it is written.
fn sealed(header: &str, body: &str) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(body));
    let signature = pair().sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

/// A header as we write it, in our order.
fn header(tokens: &JwtTokens) -> String {
    let kid = tokens.keys.of(PERIOD).id().to_owned();
    format!(r#"{{"typ":"JWT","alg":"EdDSA","kid":"{kid}"}}"#)
}

fn hmac_signed(header: &str, key: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), part(&body()));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    let tag = aws_lc_rs::hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}

fn with(member: &str, value: Value) -> String {
    let mut json = body();
    json[member] = value;
    json.to_string()
}

fn without(member: &str) -> String {
    let mut json = body();
    json.as_object_mut().and_then(|members| members.remove(member)).expect("a member");
    json.to_string()
}

fn refuse_all(tokens: &JwtTokens, cases: impl IntoIterator<Item = (&'static str, String)>) {
    for (what, token) in cases {
        assert_eq!(tokens.verify(&token, at(1)), Err(TokenRefused::Malformed), "{what}");
    }
}

#[test]
fn a_header_that_is_not_exactly_ours_is_refused_though_the_signature_is_right() {
    let ours = tokens();
    let header = header(&ours);
    let body = body().to_string();
    assert!(ours.verify(&sealed(&header, &body), at(1)).is_ok(), "the vectors are sound");
    let kid = ours.keys.of(PERIOD).id().to_owned();
    let next = ours.keys.of(PERIOD + 1).id().to_owned();
    let changed = |from: &str, to: &str| sealed(&header.replace(from, to), &body);
    let public = URL_SAFE_NO_PAD.encode(pair().public_key().as_ref());
    let own_key = format!(r#"","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{public}"}}}}"#);
    refuse_all(
        &ours,
        [
            ("alg none", changed("EdDSA", "none")),
            ("another algorithm's name", changed("EdDSA", "ES256")),
            ("the algorithm's new name", changed("EdDSA", "Ed25519")),
            ("HS256", changed("EdDSA", "HS256")),
            ("no algorithm", changed(r#""alg":"EdDSA","#, "")),
            ("an unknown key id", changed(&kid, "other")),
            ("the next key's id", changed(&kid, &next)),
            ("no key id", changed(&format!(r#","kid":"{kid}""#), "")),
            ("two key ids", changed("{", r#"{"kid":"other","#)),
            ("a key of its own", changed(r#""}"#, &own_key)),
            ("the address of a key", changed(r#""}"#, r#"","jku":"https://evil"}"#)),
            ("a critical extension", changed(r#""}"#, r#"","crit":["b64"]}"#)),
            ("another header type", changed("JWT", "at+jwt")),
            (
                "another order",
                changed(r#""typ":"JWT","alg":"EdDSA""#, r#""alg":"EdDSA","typ":"JWT""#),
            ),
            ("white space", changed(":", ": ")),
        ],
    );
}

#[test]
fn a_token_without_our_signature_is_refused() {
    let ours = tokens();
    let header = header(&ours);
    let kid = ours.keys.of(PERIOD).id().to_owned();
    let symmetric = header.replace("EdDSA", "HS256");
    let unsigned = header.replace("EdDSA", "none");
    let pair = pair();
    let public = pair.public_key().as_ref();
    let text = URL_SAFE_NO_PAD.encode(public);
    let set = ours.key_set(at(0));
    let stranger = JwtTokens::new(options(), &[8; 32]).expect("tokens");
    let body = part(&body());
    refuse_all(
        &ours,
        [
            ("no signature, and says so", format!("{}.{body}.", URL_SAFE_NO_PAD.encode(unsigned))),
            ("no signature", format!("{}.{body}.", URL_SAFE_NO_PAD.encode(&header))),
            ("HS256 over the public key", hmac_signed(&symmetric, public)),
            ("HS256 over the public key as text", hmac_signed(&symmetric, text.as_bytes())),
            ("HS256 over the key set", hmac_signed(&symmetric, set.as_str().as_bytes())),
            ("HS256 over the key's id", hmac_signed(&symmetric, kid.as_bytes())),
            ("HMAC that says EdDSA", hmac_signed(&header, public)),
            ("HMAC with our seed", hmac_signed(&header, &seed())),
            (
                "the other algorithm, from our root",
                under(hs256()).sign(&claims()).expose().to_owned(),
            ),
            ("another root", stranger.sign(&claims()).expose().to_owned()),
        ],
    );
}

#[test]
fn where_keys_are_shared_no_other_algorithm_is_accepted() {
    let ours = under(hs256());
    let kid = ours.keys.of(PERIOD).id().to_owned();
    let header = |name: &str| format!(r#"{{"typ":"JWT","alg":"{name}","kid":"{kid}"}}"#);
    let key = derive(&ROOT, b"cape access token key, HS256", PERIOD);
    assert!(ours.verify(&hmac_signed(&header("HS256"), &key), at(1)).is_ok(), "it is the key");
    let body = body().to_string();
    refuse_all(
        &ours,
        [
            ("EdDSA from our root", tokens().sign(&claims()).expose().to_owned()),
            ("EdDSA that says HS256", sealed(&header("HS256"), &body)),
            ("HS384", hmac_signed(&header("HS384"), &key)),
            ("none", hmac_signed(&header("none"), &key)),
            ("the root itself", hmac_signed(&header("HS256"), &ROOT)),
            ("the key's id", hmac_signed(&header("HS256"), kid.as_bytes())),
            ("an empty key", hmac_signed(&header("HS256"), b"")),
        ],
    );
}

#[test]
fn claims_that_are_not_exactly_ours_are_refused() {
    let ours = tokens();
    let header = header(&ours);
    let says = |body: String| sealed(&header, &body);
    let other_session = json!("ses_00000000000000000000000000000009.5");
    refuse_all(
        &ours,
        [
            ("another kind", says(with("typ", json!("refresh")))),
            ("no kind", says(without("typ"))),
            ("another issuer", says(with("iss", json!("https://evil")))),
            ("several issuers", says(with("iss", json!(["https://cape.example"])))),
            ("no issuer", says(without("iss"))),
            ("another audience", says(with("aud", json!("other")))),
            ("several audiences", says(with("aud", json!(["cape", "other"])))),
            ("no audience", says(without("aud"))),
            ("no user", says(without("sub"))),
            ("a user that is none", says(with("sub", json!("ses_1")))),
            ("no workspace", says(without("wsp"))),
            ("no role", says(without("role"))),
            ("a role that is none", says(with("role", json!("emperor")))),
            ("several roles", says(with("role", json!(["member", "owner"])))),
            ("no end", says(without("exp"))),
            ("an end beyond time", says(with("exp", json!(i64::MAX)))),
            ("an end that is a text", says(with("exp", json!("1900000900")))),
            ("a beginning beyond time", says(with("iat", json!(i64::MIN)))),
            ("made in another period", says(with("iat", json!(1_900_000_000 - 40 * 86_400)))),
            ("another session's id", says(with("jti", other_session))),
            ("an epoch below zero", says(with("epoch", json!(-1)))),
            ("an end twice", says(body().to_string().replacen('{', r#"{"exp":1,"#, 1))),
        ],
    );
}

#[test]
fn what_is_no_token_is_refused() {
    let ours = tokens();
    let good = sealed(&header(&ours), &body().to_string());
    let beginning = good.split('.').next().expect("a part").to_owned();
    refuse_all(
        &ours,
        [
            ("nothing", String::new()),
            ("dots", "..".to_owned()),
            ("a header", beginning.clone()),
            ("a header and dots", format!("{beginning}..")),
            ("a part too many", format!("{good}.e30")),
            ("white space", format!(" {good}")),
            ("white space after it", format!("{good}\n")),
            ("padding", format!("{good}=")),
            ("no token at all", "\u{1F511} cape_sk_1_2".to_owned()),
        ],
    );
}

#[test]
fn one_changed_letter_anywhere_and_the_token_is_refused() {
    for tokens in [tokens(), under(hs256())] {
        let token = tokens.sign(&claims()).expose().to_owned();
        for position in 0..token.len() {
            let mut letters = token.clone().into_bytes();
            letters[position] = if letters[position] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(letters).expect("letters");
            refuse_all(&tokens, [("a letter", changed), ("cut", token[..position].to_owned())]);
        }
    }
}
