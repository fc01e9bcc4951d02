//! OCSF's two forms of a time: `…time`, milliseconds since 1970-01-01T00:00:00Z, and `…time_dt`, RFC 3339; each as
//! producers really write it.

use countersign_model::Timestamp;

use super::tree::Tree;
use crate::json::Member;
use crate::times;

/// The time at a path, in the first form that is one: none where the record has neither, an error of `()` where neither is
/// one.
pub(super) fn at(tree: &Tree<'_>, path: &str) -> Option<Result<Timestamp, ()>> {
    let present = |member: Member<'_>| member.json().filter(|json| *json != "\"\"").is_some();
    let number = tree.member(path);
    let text = tree.member(&format!("{path}_dt"));
    let time = times::utc_or_milliseconds(number).or_else(|| times::utc(text));
    match time {
        Some(time) => Some(Ok(time)),
        None => (present(number) || present(text)).then_some(Err(())),
    }
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
            (r#""time":99999999999999999999999"#, Some(Err(()))),
            (r#""time":1777883400"#, Some(Ok(1_777_883_400_000_000))),
            (r#""time":1777883400123456"#, Some(Ok(1_777_883_400_123_456))),
            (r#""time":"x","time_dt":"2024-05-01T10:00:00Z""#, Some(Ok(1_714_557_600_000_000))),
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
