//! HTML pages that are opened from disk: the report of `eval --html`, the blind test of `turing`.
//!
//! The idea: **one file that needs nothing else**. Pictures are data URIs, style and script are inline, and the
//! page's content security policy makes the browser itself refuse anything from elsewhere. So a page can be
//! mailed, kept, and opened without a network years later.
//!
//! A page's templates are beside the code that fills them, as .html, .css and .js; `{{name}}` is a placeholder.

pub mod report;
pub mod turing;

use std::path::Path;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use serde::Serialize;

/// Quality of the pictures, of 100: they are looked at, not measured.
const JPEG_QUALITY: u8 = 90;

/// What is particular to a page; the skeleton and the common style are the same for all.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    /// Title, as text.
    pub title: &'a str,
    /// Style beyond the common one, CSS.
    pub style: &'a str,
    /// Content of `<body>`, HTML.
    pub body: &'a str,
    /// Script that runs when the body is there, JavaScript.
    pub script: &'a str,
}

impl Page<'_> {
    /// The whole page.
    #[must_use]
    pub fn html(&self) -> String {
        let title = escape(self.title);
        let parts = [
            ("title", title.as_str()),
            ("common", include_str!("page.css")),
            ("style", self.style),
            ("body", self.body),
            ("script", self.script),
        ];
        fill(include_str!("page.html"), &parts)
    }

    /// Writes the page, whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        crate::files::write_whole(path, self.html().as_bytes()).with_context(|| format!("{}", path.display()))
    }
}

/// The template with a value in each place `{{name}}`.
///
/// Values are not searched for places, so a photograph may be called `{{title}}`. A place without a value stays.
#[must_use]
pub fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, (name, after))) =
        rest.split_once("{{").and_then(|(before, after)| Some((before, after.split_once("}}")?)))
    {
        filled.push_str(before);
        match values.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => filled.push_str(value),
            None => filled.extend(["{{", name, "}}"]),
        }
        rest = after;
    }
    filled + rest
}

/// Text as it stands in HTML, between tags or in an attribute in quotes of either kind.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A value as JSON inside a `<script>`: no `<` is left that could end the element or begin a comment.
///
/// # Errors
/// The value has no form in JSON.
pub fn script_json(value: &impl Serialize) -> Result<String> {
    // In JSON `<` stands in strings only, where it may be written by its number.
    Ok(serde_json::to_string(value)?.replace('<', "\\u003c"))
}

/// The picture's bytes as JPEG of quality 90.
///
/// # Errors
/// A side is above 65,535 pixels.
pub fn jpeg(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY).encode_image(picture)?;
    Ok(bytes)
}

/// The URI that holds this JPEG itself.
#[must_use]
pub fn jpeg_uri(bytes: &[u8]) -> String {
    "data:image/jpeg;base64,".to_owned() + &base64(bytes)
}

/// Bytes in base64, with padding.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
pub(crate) mod tests {
    use image::Rgb;

    use super::*;

    /// Panics where the page would fetch something, or a place was left unfilled.
    pub(crate) fn assert_needs_nothing(html: &str) {
        for forbidden in ["http://", "https://", "@import", "{{", "url("] {
            assert!(!html.contains(forbidden), "{forbidden} stands in the page");
        }
        for attribute in ["src=", "href="] {
            let values = html.split(attribute).skip(1);
            let outside = values.filter(|value| !value.trim_start_matches(['"', '\'']).starts_with("data:"));
            assert_eq!(outside.count(), 0, "{attribute} names something else than data");
        }
        assert!(html.contains("default-src 'none'"));
    }

    #[test]
    fn escaped_text_cannot_leave_its_element_or_attribute() {
        assert_eq!(escape(r#"<b a="1" c='2'>&amp;"#), "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;");
        assert_eq!(escape("Zürich.jpg"), "Zürich.jpg");
        let json = script_json(&["</script><!--"]).unwrap();
        assert!(!json.contains('<'));
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), ["</script><!--"]);
    }

    #[test]
    fn places_are_filled_once_and_values_are_not_searched() {
        let values = [("a", "{{b}}"), ("b", "2")];
        assert_eq!(fill("{{a}}, {{b}}, {{c}}, {{", &values), "{{b}}, 2, {{c}}, {{");
    }

    #[test]
    fn a_picture_comes_back_from_its_uri() {
        let picture = RgbImage::from_pixel(16, 8, Rgb([200, 40, 90]));
        let uri = jpeg_uri(&jpeg(&picture).unwrap());
        let bytes = STANDARD.decode(uri.strip_prefix("data:image/jpeg;base64,").unwrap()).unwrap();
        let back = image::load_from_memory(&bytes).unwrap().into_rgb8();
        assert_eq!(back.dimensions(), (16, 8));
        let near = |(a, b): (u8, u8)| a.abs_diff(b) <= 3;
        assert!(back.get_pixel(3, 3).0.into_iter().zip([200, 40, 90]).all(near));
    }

    #[test]
    fn the_skeleton_needs_nothing() {
        let page = Page { title: "<a> & \"b\"", style: "", body: "<p>text</p>", script: "" };
        let html = page.html();
        assert_needs_nothing(&html);
        assert!(html.contains("<title>&lt;a&gt; &amp; &quot;b&quot;</title>"));
    }
}
