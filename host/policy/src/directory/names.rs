//! Ids that aren't what they look like: padded, with characters that can't be seen, of mixed scripts, or like another's.
//!
//! What can't be seen or distinguished, and what letters belong together, is Unicode's to say ([UTS 39]), not ours.
//!
//! [UTS 39]: https://www.unicode.org/reports/tr39/

use countersign_document::{Problem, quoted};
use unicode_normalization::is_nfc;
use unicode_security::{GeneralSecurityProfile, RestrictionLevel, RestrictionLevelDetection};

use crate::reader::Item;

/// The text of an id, if it is what it looks like.
pub(super) fn id<'n>(item: Item<'n>) -> Option<&'n str> {
    let text = item.text()?;
    match fault(text) {
        None => Some(text),
        Some((expected, hint)) => item.refuse(Problem::InvalidValue, expected, quoted(text), hint),
    }
}

/// The text of a part of an account, which in addition mustn't look like a text in ASCII: such ids come from machines.
pub(super) fn part<'n>(item: Item<'n>) -> Option<&'n str> {
    let text = id(item)?;
    if text.is_ascii() {
        return Some(text);
    }
    let looks_like = skeleton(text);
    if looks_like.is_ascii() {
        let hint = format!("it looks like {} but has {}", quoted(&looks_like), code_points(text, |c| !c.is_ascii()));
        return item.refuse(Problem::InvalidValue, "an id that looks like no other", quoted(text), Some(hint));
    }
    Some(text)
}

/// What a text looks like: two texts with one skeleton look alike.
pub(super) fn skeleton(text: &str) -> String {
    unicode_security::skeleton(text).collect()
}

/// What is expected of a text that isn't what it looks like, and a hint.
fn fault(text: &str) -> Option<(&'static str, Option<String>)> {
    // Nearly every id of hundreds of thousands.
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    if text.trim().len() != text.len() {
        return Some(("an id without spaces around it", None));
    }
    let is_hidden = |c: char| if c.is_ascii() { c.is_ascii_control() } else { !c.identifier_allowed() };
    if text.chars().any(is_hidden) {
        let hint = format!("it has {}", code_points(text, is_hidden));
        return Some(("an id of letters, digits and signs that can be seen and told apart", Some(hint)));
    }
    if text.is_ascii() {
        return None;
    }
    if !is_nfc(text) {
        return Some(("an id in Unicode's normal form C", None));
    }
    // Signs of ASCII go with any script.
    let letters: String = text.chars().filter(|c| !c.is_ascii() || c.is_ascii_alphanumeric()).collect();
    if letters.detect_restriction_level() > RestrictionLevel::HighlyRestrictive {
        let hint = format!("it has {}", code_points(text, |c| !c.is_ascii()));
        return Some(("an id of letters of one script", Some(hint)));
    }
    None
}

/// The first few characters of which this holds, by their code points.
fn code_points(text: &str, holds: impl Fn(char) -> bool) -> String {
    let points: Vec<String> =
        text.chars().filter(|c| holds(*c)).take(3).map(|c| format!("U+{:04X}", u32::from(c))).collect();
    points.join(", ")
}

#[cfg(test)]
#[path = "../../tests/unit/directory_names.rs"]
mod tests;
