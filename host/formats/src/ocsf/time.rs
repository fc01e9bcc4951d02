//! OCSF's two forms of a time: `…time`, milliseconds since 1970-01-01T00:00:00Z, and `…time_dt`, RFC 3339.

use countersign_model::Timestamp;

use super::tree::Tree;
use crate::json::Member;

/// The time at a path, in either form: none where the record has none, an error of `()` where it isn't one.
pub(super) fn at(tree: &Tree<'_>, path: &str) -> Option<Result<Timestamp, ()>> {
    let present = |member: Member<'_>| member.json().filter(|json| *json != "\"\"").is_some();
    let number = tree.member(path);
    let text = tree.member(&format!("{path}_dt"));
    if present(number) {
        return Some(milliseconds(number).or_else(|| number.time()).ok_or(()));
    }
    present(text).then(|| text.time().ok_or(()))
}

/// A number of milliseconds, or the text of one.
fn milliseconds(member: Member<'_>) -> Option<Timestamp> {
    let json = member.json()?;
    let digits = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(json);
    digits.parse::<i64>().ok()?.checked_mul(1_000).map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_no_other() {
        for (members, expected) in [
            (r#""time":1714557600123"#, Some(Ok(1_714_557_600_123_000))),
            (r#""time":"1714557600123""#, Some(Ok(1_714_557_600_123_000))),
            (r#""time":-1"#, Some(Ok(-1_000))),
            (r#""time_dt":"2024-05-01T10:00:00.000001Z""#, Some(Ok(1_714_557_600_000_001))),
            (r#""time":"2024-05-01T10:00:00Z""#, Some(Ok(1_714_557_600_000_000))),
            (r#""time":null,"time_dt":"2024-05-01T12:00:00+02:00""#, Some(Ok(1_714_557_600_000_000))),
            (r#""time":9223372036854775807"#, Some(Err(()))),
            (r#""time":1.5"#, Some(Err(()))),
            (r#""time":"yesterday""#, Some(Err(()))),
            (r#""time":{}"#, Some(Err(()))),
            (r#""time_dt":5"#, Some(Err(()))),
            (r#""time":"""#, None),
            ("", None),
        ] {
            let json = format!("{{{members}}}");
            let tree = Tree::new(serde_json::from_str(&json).unwrap());
            assert_eq!(at(&tree, "time"), expected.map(|time| time.map(Timestamp)), "{members}");
        }
    }
}
