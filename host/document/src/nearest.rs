//! Finds the known name that a misspelt one probably stands for.

/// Longest name for which a nearest one is looked for, bytes: a longer one is no typing error.
const LONGEST: usize = 96;

/// How alike two names must be for one to be suggested for the other, 0–1.
const ALIKE: f64 = 0.55;

/// The candidate most like `name`, if any is alike enough. Ties go to the first.
///
/// ```
/// # use countersign_document::nearest;
/// assert_eq!(nearest("revoke-session", ["notify", "revoke-sessions"]), Some("revoke-sessions"));
/// assert_eq!(nearest("zebra", ["notify", "revoke-sessions"]), None);
/// ```
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > LONGEST {
        return None;
    }
    let plain = plain(name);
    let mut best: Option<(&str, f64)> = None;
    for candidate in candidates {
        let other = self::plain(candidate);
        // A prefix is more alike than the edit distance says.
        let begins = plain.len() >= 4 && other.starts_with(&plain);
        let likeness = strsim::normalized_damerau_levenshtein(&plain, &other).max(if begins { ALIKE } else { 0.0 });
        if likeness >= ALIKE && best.is_none_or(|(_, most)| likeness > most) {
            best = Some((candidate, likeness));
        }
    }
    best.map(|(candidate, _)| candidate)
}

/// Letter case and the kind of separator are the commonest differences, so they are ignored.
fn plain(name: &str) -> String {
    name.chars().map(|c| if matches!(c, '_' | '.' | ' ') { '-' } else { c.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likely_names_are_suggested_and_others_are_not() {
        let fields = ["actor.user.uid", "actor.user.name", "user.uid", "src_endpoint.ip"];
        for (name, expected) in [
            ("actor_user_uid", Some("actor.user.uid")),
            ("Actor.User.UID", Some("actor.user.uid")),
            ("actor.user.nmae", Some("actor.user.name")),
            ("source_endpoint.ip", Some("src_endpoint.ip")),
            ("src_endpoint", Some("src_endpoint.ip")),
            ("", None),
            ("completely-different", None),
            (&"x".repeat(10_000), None),
        ] {
            assert_eq!(nearest(name, fields), expected, "{name}");
        }
    }
}
