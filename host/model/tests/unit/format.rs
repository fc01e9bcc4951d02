//! Formats: named, absent, unknown, and written otherwise.
#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    format: Format<2>,
    text: String,
}

fn read(json: &str) -> Result<Form, FormatError> {
    read_canonical(json.as_bytes(), 2)
}

#[test]
fn a_form_is_read_from_exactly_the_bytes_that_it_is_written_as() {
    let form = read(r#"{"format":2,"text":"x"}"#).unwrap();
    assert_eq!(form, Form { format: Format, text: "x".to_owned() });
    for other in [r#"{"text":"x","format":2}"#, r#"{"format":2, "text":"x"}"#, r#"{"format":2,"text":"\u0078"}"#] {
        assert!(matches!(read(other), Err(FormatError::NotCanonical { format: 2 })), "{other}");
    }
    for other in [r#"{"format":1,"text":"x"}"#, r#"{"text":"x"}"#, r#"{"format":2,"text":"x","more":1}"#, "[]", ""] {
        assert!(matches!(read(other), Err(FormatError::Json { format: 2, .. })), "{other}");
    }
}

#[test]
fn a_form_that_names_no_format_has_the_first() {
    let format = |json: &str| format_of(json.as_bytes());
    assert_eq!(format(r#"{"text":"x"}"#).unwrap(), 1);
    assert_eq!(format(r#"{"text":"x","format":7}"#).unwrap(), 7);
    for bad in [r#"{"format":"2"}"#, r#"{"format":-1}"#, r#"{"format":1,"format":2}"#, "2", "", r#"{"format":null}"#] {
        assert!(format(bad).is_err(), "{bad}");
    }
}
