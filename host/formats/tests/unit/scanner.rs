//! Where values end, and where damage does.

use super::Scanner;

/// How many bytes the value takes at the beginning of a text, whatever the sizes of the reads.
fn end(text: &str, is_joined: bool) -> Option<u64> {
    let ends: Vec<Option<u64>> = [usize::MAX, 1, 3]
        .into_iter()
        .map(|step| {
            let mut scanner = Scanner::new(0, is_joined);
            let mut settled = 0;
            for part in text.as_bytes().chunks(step.min(text.len())) {
                if let Some(end) = scanner.feed(part) {
                    assert!(end >= settled, "{text}: what was settled is given back");
                    return Some(end);
                }
                assert!(scanner.settled() >= settled, "{text}");
                settled = scanner.settled();
            }
            None
        })
        .collect();
    assert!(ends.iter().all(|end| *end == ends[0]), "{text}: {ends:?}");
    ends[0]
}

/// The value at the beginning of a text.
fn cut(text: &str) -> Option<&str> {
    end(text, true).map(|end| &text[..usize::try_from(end).unwrap()])
}

#[test]
fn values_end_with_their_bracket_over_any_number_of_lines() {
    for value in [
        "{}",
        "[]",
        "\"a\\\"}\"",
        r#"{"a":[1,-2.5e+3,true,null,"}\"{",{}],"b":{"c":[[]]}}"#,
        "{\n  \"a\": 1,\n  \"b\": [\n    {\n      \"c\": 2\n    }\n  ]\n}",
        "{\r\n\t\"a\" :\t1\r\n}",
        "{\n\"a\": 1,\n\"b\": [\n1\n]\n}",
    ] {
        for after in ["", "\n", "{\"next\":1}", " x", "}", "]"] {
            assert_eq!(cut(&format!("{value}{after}")), Some(value), "{value}{after}");
        }
    }
    for open in ["{", "{\"a\"", "[1,", "\"a", "{\n  \"a\": [\n"] {
        assert_eq!(cut(open), None, "{open}");
    }
}

#[test]
fn a_damaged_line_ends_with_it_whatever_is_open() {
    let next = "\n{\"true\":1}\n";
    for damaged in [
        "{{{{",
        "{\"a\":\"not closed",
        "{\"a\":\"not closed\\",
        "{\"a\":",
        "{\"a\":[",
        "{\"a\":[{\"b\":1},",
        "{\"a\":{\"b\":1",
        "{\"a\":{\"b\":tru",
        "{'a':1}",
        "{\"a\":1]",
        "[{\"a\":[",
        "\"not closed",
        "{\"a\" \"b\"}",
    ] {
        assert_eq!(cut(&format!("{damaged}{next}")), Some(damaged), "{damaged}");
        // Not only objects follow.
        assert_eq!(cut(&format!("{damaged}\n[1]\n")), Some(damaged), "{damaged}");
    }
    assert_eq!(cut("{\"a\":{\"b\":1\nplain text\n"), Some("{\"a\":{\"b\":1"));
}

#[test]
fn a_damaged_value_over_lines_is_one_with_what_is_indented_under_it() {
    let damaged = "{\n  \"a\": {\n    \"b\": oops oops\n  },\n  \"c\": {\n    \"d\": 1\n  }\n}";
    for after in ["\n{\"next\":1}", "\nplain", "\n\n  {\"next\":1}"] {
        assert_eq!(cut(&format!("{damaged}{after}")), Some(damaged), "{after}");
    }
    // A bracket that isn't indented deeper begins something else.
    assert_eq!(cut("{\n  \"a\": [\n{\"next\":1}\n"), Some("{\n  \"a\": ["));
}

#[test]
fn within_a_line_damage_ends_only_between_values() {
    let text = r#"{"a":oops oops,"b":[{"c":1},{"d":2}]}{"next":1}"#;
    assert_eq!(cut(text), Some(r#"{"a":oops oops,"b":[{"c":1},{"d":2}]}"#));
    // Not among the records of a list, where `}{` is damage itself.
    assert_eq!(end(text, false), None);
    // What a text holds has its quotation marks escaped, so no value begins in one.
    assert_eq!(cut(r#"{"a" "b":"}{\"eventName\":\"x\"}"}"#), None);
}
