//! How an act went, by the words, codes and bits of its record.

use super::super::kinds::{Writer, kind_of};
use super::*;

fn went(id: u64, members: &str) -> Option<bool> {
    let raw = format!("{{{members}}}");
    let record = Record::of(&raw).map_err(|fault| fault.detail).unwrap();
    outcome(&record, id, kind_of(Writer::Auditing, id)).success
}

#[test]
fn words_come_before_bits_and_failures_before_both() {
    for (id, members, expected) in [
        (4769, r#""EventType":"AUDIT_SUCCESS","Keywords":-9214364837600035000,"Status":"0x0""#, Some(true)),
        (4769, r#""EventType":"AUDIT_SUCCESS","Keywords":"0x8010000000000000""#, Some(true)),
        (4662, r#""EventType":"AUDIT_FAILURE","Keywords":"0x8020000000000000""#, Some(false)),
        (4662, r#""EventType":"audit_failure""#, Some(false)),
        (4662, r#""event":{"outcome":"failure"},"winlog":{"keywords":["Überwachung erfolgreich"]}"#, Some(false)),
        (4769, r#""EventType":"AUDIT_SUCCESS","Status":"0x20""#, Some(false)),
        (4769, r#""Status":-1073741715"#, Some(false)),
        (4625, r#""EventType":"AUDIT_SUCCESS""#, Some(false)),
        (4662, r#""EventType":"INFO","Keywords":"0x8010000000000000""#, Some(false)),
    ] {
        assert_eq!(went(id, members), expected, "{members}");
    }
}

#[test]
fn bits_survive_a_double() {
    for (keywords, expected) in [
        ("-9214364837600034816", Some(true)),
        ("-9214364837600035000", Some(true)),
        ("-9.214364837600035e18", Some(true)),
        ("9232379236109516800", Some(true)),
        ("9.232379236109517e+18", Some(true)),
        (r#""0x8020000000000000""#, Some(true)),
        (r#"["0x8020000000000000"]"#, Some(true)),
        ("-9218868437227405312", Some(false)),
        ("-9218868437227405000", Some(false)),
        ("9227875636482146304", Some(false)),
        ("9227875636482146000", Some(false)),
        (r#""0x8010000000000000""#, Some(false)),
        (r#""0x8000000000000000""#, Some(true)),
    ] {
        assert_eq!(went(4662, &format!(r#""Keywords":{keywords}"#)), expected, "{keywords}");
    }
}

#[test]
fn keywords_come_in_several_languages_and_what_cannot_be_read_proves_nothing() {
    for (id, keywords, expected) in [
        (4662, r#"["Audit Success"]"#, Some(true)),
        (4662, r#""Audit success""#, Some(true)),
        (4662, r#""Classic,Audit Failure""#, Some(false)),
        (4662, r#"["Überwachung erfolgreich"]"#, Some(true)),
        (4662, r#"["Überwachung gescheitert"]"#, Some(false)),
        (4662, r#"["Succès de l’audit"]"#, Some(true)),
        (4662, r#"["Échec de l'audit"]"#, Some(false)),
        (4662, r#"["Auditnek sikeres"]"#, None),
        (4624, r#"["Auditnek sikeres"]"#, Some(true)),
    ] {
        assert_eq!(went(id, &format!(r#""Keywords":{keywords}"#)), expected, "{keywords}");
    }
    assert_eq!(went(4662, ""), Some(true));
    assert_eq!(
        went(4662, r#""System":{"Keywords":"0x8010000000000000"},"RenderingInfo":{"Keywords":{"Keyword":"?"}}"#),
        Some(false)
    );
}
