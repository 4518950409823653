//! The page of the test, and how it hides its answer.
//!
//! The idea: **nothing on the page says which picture is real until the person has answered**: not the names, the
//! order, the descriptions or the lengths of the pictures. The sides are stored as one byte per pair, of which only
//! the lowest bit counts, combined with random bytes. That is no secret (the page undoes it, and so can anyone who
//! wants to); it keeps the answer from anyone who sees the source without looking for it.

mod pairs;

use std::path::Path;

use anyhow::Result;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use sha2::{Digest, Sha256};

pub use pairs::{IN_COLOR, Pair, Side, draw};

use super::{Page, base64, escape, fill, jpeg_uri, script_json};

/// What the page says besides the pairs.
#[derive(Debug, Clone, Copy)]
pub struct Settings<'a> {
    /// Name of the model, told at the end.
    pub model: &'a str,
    /// How many of the pairs, at the front, are for practice.
    pub practice: usize,
    /// Seconds each pair is shown for; 0: until it is answered.
    pub seconds: f64,
    /// Seed of the bytes that the sides are combined with.
    pub seed: u64,
}

/// What the script reads.
#[derive(Debug, Serialize)]
struct Test<'a> {
    /// Tells this page's kept answers from those of other pages.
    id: String,
    model: &'a str,
    practice: usize,
    seconds: f64,
    nonce: String,
    key: String,
    pairs: Vec<Shown<'a>>,
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    name: &'a str,
    left: String,
    right: String,
}

/// Writes the page, whole or not at all.
///
/// # Errors
/// The file cannot be written.
pub fn save(path: &Path, settings: &Settings<'_>, pairs: &[Pair]) -> Result<()> {
    let body = body(settings, pairs)?;
    let page = Page {
        title: "Which one is the photograph?",
        style: include_str!("turing.css"),
        body: &body,
        script: include_str!("turing.js"),
    };
    page.save(path)
}

/// The body with the data of the test in it.
fn body(settings: &Settings<'_>, pairs: &[Pair]) -> Result<String> {
    let counted = (pairs.len() - settings.practice).to_string();
    let parts = [
        ("counted", counted.as_str()),
        ("practice", &practice_sentence(settings.practice)),
        ("limit", &escape(&limit_sentence(settings.seconds))),
        ("test", &script_json(&test(settings, pairs))?),
    ];
    Ok(fill(include_str!("turing.html"), &parts))
}

fn practice_sentence(practice: usize) -> String {
    match practice {
        0 => String::new(),
        1 => "One pair before them is for practice: it tells the answer and does not count.".to_owned(),
        n => format!("The {n} pairs before them are for practice: they tell the answer and do not count."),
    }
}

fn limit_sentence(seconds: f64) -> String {
    match seconds {
        0.0 => "Take the time you need.".to_owned(),
        1.0 => "Each pair is shown for 1 second; answer then, or before.".to_owned(),
        _ => format!("Each pair is shown for {seconds} seconds; answer then, or before."),
    }
}

fn test<'a>(settings: &Settings<'a>, pairs: &'a [Pair]) -> Test<'a> {
    let [nonce, key] = sealed(pairs, settings.seed);
    let shown =
        |pair: &'a Pair| Shown { name: &pair.name, left: jpeg_uri(&pair.left), right: jpeg_uri(&pair.right) };
    Test {
        id: id(settings, pairs),
        model: settings.model,
        practice: settings.practice,
        seconds: settings.seconds,
        nonce: base64(&nonce),
        key: base64(&key),
        pairs: pairs.iter().map(shown).collect(),
    }
}

/// [nonce, key]: the lowest bit of nonce xor key is 1 where the photograph stands at the right.
fn sealed(pairs: &[Pair], seed: u64) -> [Vec<u8>; 2] {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Not the stream that drew the sides.
    rng.set_stream(1);
    let mut bytes = || -> Vec<u8> { pairs.iter().map(|_| rng.random_range(0..=u8::MAX)).collect() };
    let (nonce, noise) = (bytes(), bytes());
    let side = |(pair, noise): (&Pair, u8)| (noise & !1) | u8::from(pair.real == Side::Right);
    let key = pairs.iter().zip(noise).map(side).zip(&nonce).map(|(byte, nonce)| byte ^ nonce).collect();
    [nonce, key]
}

/// Sixteen digits that differ for pages that ask something else.
fn id(settings: &Settings<'_>, pairs: &[Pair]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{settings:?}"));
    for pair in pairs {
        hasher.update(&pair.left);
        hasher.update(&pair.right);
    }
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
