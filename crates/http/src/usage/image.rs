//! An image as `OpenAI`'s formats tell of it: by its address, which may be the image itself.
use actix_web::http::Uri;
use base64::{
    Engine as _,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use cape_domain::usage::{Image, ImageSource};

use super::wrong;
use crate::error::ApiError;

/// How closely a model can be told to look. Each is within what an image is reckoned with.
const DETAILS: [&str; 3] = ["auto", "low", "high"];

/// Base64 as browsers write it, and without its padding too.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads an image. `url` and `detail` are named after where they stand.
pub(super) fn image(
    (url_at, url): (&str, &str),
    (detail_at, detail): (&str, Option<String>),
) -> Result<Image, ApiError> {
    if detail.as_deref().is_some_and(|detail| !DETAILS.contains(&detail)) {
        return Err(wrong(detail_at, format!("must be one of {}", DETAILS.join(", "))));
    }
    let source = source(url).map_err(|why| wrong(url_at, why))?;
    Ok(Image { source, detail })
}

fn source(url: &str) -> Result<ImageSource, &'static str> {
    if let Some(data) = url.strip_prefix("data:") {
        return inline(data);
    }
    let read: Option<Uri> = url.parse().ok();
    let on_the_web = read.is_some_and(|uri| {
        ["http", "https"].contains(&uri.scheme_str().unwrap_or_default()) && uri.host().is_some()
    });
    if on_the_web {
        return Ok(ImageSource::Url(url.to_owned()));
    }
    Err("must be an address that begins with https:// or http://, or data: with the image itself")
}

/// What follows `data:`. The image is not looked into.
fn inline(data: &str) -> Result<ImageSource, &'static str> {
    let (head, base64) = data.split_once(',').ok_or("the image is missing after `data:`")?;
    let mut head = head.split(';');
    let media_type = head.next().unwrap_or_default().to_ascii_lowercase();
    let kind = media_type.strip_prefix("image/").unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-+.".contains(&byte);
    if kind.is_empty() || !kind.bytes().all(plain) {
        return Err("must say what image it is, as data:image/png;base64,… does");
    }
    if head.next_back() != Some("base64") {
        return Err("must be in base64, as data:image/png;base64,… is");
    }
    if base64.is_empty() || BASE64.decode(base64).is_err() {
        return Err("is not in base64");
    }
    Ok(ImageSource::Inline { media_type, base64: base64.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_at_an_address_or_is_one() {
        let url = |url: &str| ImageSource::Url(url.to_owned());
        let inline = |media_type: &str, base64: &str| ImageSource::Inline {
            media_type: media_type.to_owned(),
            base64: base64.to_owned(),
        };
        for (told, read) in [
            ("https://example.com/a.png?b=c", Some(url("https://example.com/a.png?b=c"))),
            ("http://[::1]:8080/a", Some(url("http://[::1]:8080/a"))),
            ("data:image/png;base64,iVBORw0KGgo=", Some(inline("image/png", "iVBORw0KGgo="))),
            ("data:IMAGE/SVG+XML;charset=utf-8;base64,YQ", Some(inline("image/svg+xml", "YQ"))),
            ("", None),
            ("x", None),
            ("/a.png", None),
            ("file:///etc/passwd", None),
            ("ftp://example.com/a.png", None),
            ("https://", None),
            ("https://exa mple.com", None),
            ("data:image/png;base64", None),
            ("data:image/png;base64,", None),
            ("data:image/png,abc", None),
            ("data:image/png;base64,a$b", None),
            ("data:image/;base64,YQ==", None),
            ("data:text/plain;base64,YQ==", None),
            ("data:;base64,YQ==", None),
        ] {
            assert_eq!(source(told).ok(), read, "{told}");
        }
    }

    #[test]
    fn how_closely_to_look_is_one_of_three_words() {
        let look = |detail: Option<&str>| {
            image(("url", "https://x.test/a"), ("detail", detail.map(str::to_owned)))
        };
        for detail in [None, Some("auto"), Some("low"), Some("high")] {
            assert_eq!(look(detail).expect("an image").detail.as_deref(), detail);
        }
        assert!(look(Some("original")).is_err());
    }
}
